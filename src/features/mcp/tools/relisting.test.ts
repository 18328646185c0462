import { expect, it, vi } from "vitest"
import { createRelisting } from "./relisting.ts"

const never = new AbortController().signal

function relistingOf(read: () => Promise<void>, boundMs = 60_000, signal = never) {
  return createRelisting({ read, pauseMs: 1, boundMs, signal })
}

it("delays nothing while no change is announced", async () => {
  await relistingOf(() => Promise.reject(new Error("Nothing is read."))).settled(never)
})

it("settles once the last announced list is read, and reads one list at a time", async () => {
  const readings: (() => void)[] = []
  const relisting = relistingOf(() => new Promise((resolve) => readings.push(resolve)))
  relisting.announce()
  let isSettled = false
  const settled = relisting.settled(never).then(() => {
    isSettled = true
  })
  await vi.waitFor(() => expect(readings).toHaveLength(1))
  for (let change = 0; change < 3; change++) relisting.announce()
  readings[0]?.()
  await vi.waitFor(() => expect(readings).toHaveLength(2))
  expect(isSettled).toBe(false)
  readings[1]?.()
  await settled
  await relisting.settled(never)
  expect(readings).toHaveLength(2)
})

it("waits for a missing list no longer than its bound, and no longer than the caller", async () => {
  const forever = () => new Promise<void>(() => {})
  const impatient = relistingOf(forever, 5)
  impatient.announce()
  await impatient.settled(never)
  const patient = relistingOf(forever)
  patient.announce()
  await patient.settled(AbortSignal.abort())
  const ended = relistingOf(forever, 60_000, AbortSignal.abort())
  ended.announce()
  await ended.settled(never)
})

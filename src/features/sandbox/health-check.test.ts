import { expect, test } from "vitest"
import { createHealthCheck } from "./health-check.ts"

test("many callers share one ping, and its outcome for a while", async () => {
  let pings = 0
  const check = createHealthCheck({
    ping: async () => {
      pings += 1
      throw new Error("refused")
    },
    keptMs: 60_000,
  })
  const outcomes = await Promise.all([check(), check(), check()])
  expect(outcomes.map((error) => error?.message)).toEqual(["refused", "refused", "refused"])
  expect(await check()).toBe(outcomes[0])
  expect(pings).toBe(1)
})

test("a recovery is noticed after that time", async () => {
  let works = false
  const check = createHealthCheck({
    ping: async () => {
      if (!works) throw new Error("refused")
    },
    keptMs: 1,
  })
  expect(await check()).toMatchObject({ message: "refused" })
  works = true
  await expect.poll(check).toBeNull()
})

test("a ping that does not end is given up", async () => {
  const check = createHealthCheck({ ping: () => new Promise(() => {}), timeoutMs: 10 })
  expect(await check()).toMatchObject({ message: "no response within 10 ms" })
})

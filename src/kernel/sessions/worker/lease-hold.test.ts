import { expect, it } from "vitest"
import { fakeLiveness } from "../fixtures/fake-liveness.ts"
import { LeaseHold } from "./lease-hold.ts"

const forever = new AbortController().signal

function held() {
  const liveness = fakeLiveness()
  const renewals: number[] = []
  const hold: LeaseHold = new LeaseHold(liveness, () => renewals.push(hold.state))
  return { liveness, hold, renewals }
}

it("is certain until the process lapses, and again after the leases were compared", async () => {
  const { liveness, hold, renewals } = held()
  expect(hold.isCertain()).toBe(true)
  await hold.untilCertain(forever)
  liveness.lapse()
  expect(hold.isCertain()).toBe(false)
  const certain = hold.untilCertain(forever)
  liveness.renew()
  expect(hold.isCertain()).toBe(false)
  expect(renewals).toEqual([hold.state])
  hold.confirm(hold.state)
  await certain
  expect(hold.isCertain()).toBe(true)
})

it("is not confirmed by a comparison that started before the lapse, or during it", () => {
  const { liveness, hold } = held()
  const before = hold.state
  liveness.lapse()
  const during = hold.state
  hold.confirm(during)
  liveness.renew()
  for (const state of [before, during]) hold.confirm(state)
  expect(hold.isCertain()).toBe(false)
})

it("rejects a wait with the signal's reason", async () => {
  const { liveness, hold } = held()
  liveness.lapse()
  const stop = new AbortController()
  const waiting = hold.untilCertain(stop.signal)
  stop.abort(new Error("stopped"))
  await expect(waiting).rejects.toThrow("stopped")
  await expect(hold.untilCertain(stop.signal)).rejects.toThrow("stopped")
})

it("announces a lapse once, and not to removed listeners", () => {
  const { liveness, hold } = held()
  const told: string[] = []
  hold.onLapse(() => told.push("listening"))
  hold.onLapse(() => told.push("gone"))()
  for (let round = 0; round < 2; round++) {
    liveness.lapse()
    liveness.renew()
  }
  expect(told).toEqual(["listening"])
})

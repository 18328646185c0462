import { expect, it } from "vitest"
import { Slots } from "./slots.ts"

const ada = { tenant: "tenant", userId: "ada" }
const bob = { tenant: "tenant", userId: "bob" }

it("counts places in all and for each principal", () => {
  const slots = new Slots({ maxConcurrentRuns: 4, maxConcurrentRunsPerPrincipal: 2 })
  slots.take(ada)
  expect([slots.free, slots.isAtShare(ada)]).toEqual([3, false])
  slots.take(ada)
  slots.take(bob)
  expect([slots.free, slots.isAtShare(ada), slots.isAtShare(bob)]).toEqual([1, true, false])
  expect(slots.shares()).toEqual({
    perPrincipal: 2,
    held: [
      { ...ada, count: 2, lastTurn: 2 },
      { ...bob, count: 1, lastTurn: 3 },
    ],
  })
  for (const principal of [ada, ada, bob]) slots.release(principal)
  expect(slots.free).toBe(4)
})

it("remembers who had the last turns, of a bounded number of principals", () => {
  const slots = new Slots({ maxConcurrentRuns: 4, maxConcurrentRunsPerPrincipal: 2 })
  for (let user = 1; user <= 1_000; user++) {
    const principal = { tenant: "tenant", userId: `${user}` }
    slots.take(principal)
    slots.release(principal)
  }
  const { held } = slots.shares()
  expect(held.length).toBeLessThan(300)
  expect(held.at(-1)).toEqual({ tenant: "tenant", userId: "1000", count: 0, lastTurn: 1_000 })
})

it("keeps a place for a session that is being claimed, also when the claim fails", async () => {
  const slots = new Slots({ maxConcurrentRuns: 1, maxConcurrentRunsPerPrincipal: 1 })
  const { promise, reject } = Promise.withResolvers<void>()
  const claiming = slots.whileReserved(() => promise)
  expect(slots.free).toBe(0)
  reject(new Error("down"))
  await expect(claiming).rejects.toThrow("down")
  expect(slots.free).toBe(1)
})

import { expect, it } from "vitest"
import { Slots, type SlotsOptions } from "./slots.ts"

const ada = { tenant: "tenant", userId: "ada" }
const bob = { tenant: "tenant", userId: "bob" }
const zoe = { tenant: "zoo", userId: "zoe" }

function createSlots(options: Partial<SlotsOptions> = {}) {
  const { maxConcurrentRuns = 4 } = options
  return new Slots({
    maxConcurrentRuns,
    maxConcurrentRunsPerPrincipal: 2,
    maxConcurrentRunsPerTenant: maxConcurrentRuns,
    placesForNewTenants: 0,
    clock: { now: () => 0 },
    ...options,
  })
}

it("counts places in total and for each principal", () => {
  const slots = createSlots()
  slots.take(ada)
  expect([slots.free, slots.isAtShare(ada)]).toEqual([3, false])
  slots.take(ada)
  slots.take(bob)
  expect([slots.free, slots.isAtShare(ada), slots.isAtShare(bob)]).toEqual([1, true, false])
  expect(slots.shares()).toEqual({
    perPrincipal: 2,
    perTenant: 4,
    perTenantOfPresentPrincipals: 4,
    forPresentTenants: 1,
    held: [
      { ...ada, count: 2, lastTurn: 2 },
      { ...bob, count: 1, lastTurn: 3 },
    ],
  })
  for (const principal of [ada, ada, bob]) slots.release(principal)
  expect(slots.free).toBe(4)
})

it("remembers who had the last turns, of a bounded number of principals", () => {
  const slots = createSlots()
  for (let user = 1; user <= 1_000; user++) {
    const principal = { tenant: "tenant", userId: `${user}` }
    slots.take(principal)
    slots.release(principal)
  }
  const { held } = slots.shares()
  expect(held.length).toBeLessThan(300)
  expect(held.at(-1)).toEqual({ tenant: "tenant", userId: "1000", count: 0, lastTurn: 1_000 })
})

it("keeps a place for a session that is being claimed, and frees it when the claim fails", async () => {
  const slots = createSlots({ maxConcurrentRuns: 1 })
  const { promise, reject } = Promise.withResolvers<void>()
  const claiming = slots.whileReserved(() => promise)
  expect(slots.free).toBe(0)
  reject(new Error("down"))
  await expect(claiming).rejects.toThrow("down")
  expect(slots.free).toBe(1)
})

it("a tenant alone has all places, and a share of them while there are other tenants", () => {
  let now = 0
  const slots = createSlots({ maxConcurrentRunsPerTenant: 3, clock: { now: () => now } })
  for (const principal of [ada, ada, bob]) slots.take(principal)
  expect([slots.isAtShare(bob), slots.shares().perTenant]).toEqual([false, 4])
  slots.take(zoe)
  expect([slots.isAtShare(bob), slots.isAtShare(zoe), slots.shares().perTenant]).toEqual([true, false, 3])
  slots.release(zoe)
  now = 599_999
  expect([slots.isAtShare(bob), slots.shares().perTenant]).toEqual([true, 3])
  now = 600_001
  expect([slots.isAtShare(bob), slots.shares().perTenant]).toEqual([false, 4])
})

it("a tenant whose users change does not block itself", () => {
  const slots = createSlots({ maxConcurrentRunsPerTenant: 1 })
  slots.take(ada)
  slots.release(ada)
  slots.take(bob)
  expect([slots.isAtShare(ada), slots.shares().perTenant]).toEqual([false, 4])
})

it("keeps the last places for tenants that have none", () => {
  const slots = createSlots({ placesForNewTenants: 2 })
  slots.take(ada)
  expect([slots.isAtShare(ada), slots.shares().forPresentTenants]).toEqual([false, 1])
  slots.take(bob)
  expect([slots.isAtShare(ada), slots.shares().forPresentTenants]).toEqual([true, 0])
  expect([slots.isAtShare(zoe), slots.free]).toEqual([false, 2])
  slots.take(zoe)
  expect([slots.isAtShare(zoe), slots.shares().forPresentTenants]).toEqual([true, 0])
  slots.release(ada)
  slots.release(zoe)
  expect([slots.isAtShare(bob), slots.isAtShare(zoe)]).toEqual([false, false])
})

it("keeps the last places of a tenant for its principals that have none", () => {
  const slots = createSlots({
    maxConcurrentRuns: 42,
    maxConcurrentRunsPerPrincipal: 40,
    placesForNewTenants: 2,
  })
  for (let count = 0; count < 38; count++) {
    expect(slots.isAtShare(ada)).toBe(false)
    slots.take(ada)
  }
  expect([slots.isAtShare(ada), slots.isAtShare(bob)]).toEqual([true, false])
  expect(slots.shares().perTenantOfPresentPrincipals).toBe(38)
  slots.take(bob)
  expect([slots.isAtShare(ada), slots.isAtShare(bob)]).toEqual([true, true])
  slots.take({ ...ada, userId: "eve" })
  expect(slots.isAtShare({ ...ada, userId: "nil" })).toBe(true)
})

import { expect, it } from "vitest"
import { createBodyBudget } from "./body-budget.ts"

const owner = (userId: string, tenant = `tenant of ${userId}`) => ({ tenant, userId })

it("limits the bytes of one owner, and of all owners together", () => {
  const budget = createBodyBudget({ ownerBytes: 10, totalBytes: 15, keptBytes: 0 })
  const first = budget.open(owner("ada"))
  expect(first.takeUpTo(6)).toBe(true)
  expect(budget.open(owner("ada")).takeUpTo(5)).toBe(false)
  expect(first.takeUpTo(10)).toBe(true)
  const other = budget.open(owner("eve"))
  expect(other.takeUpTo(6)).toBe(false)
  expect(other.takeUpTo(5)).toBe(true)
  expect(budget.open(owner("bob")).takeUpTo(1)).toBe(false)
  first.release()
  expect(budget.open(owner("ada")).takeUpTo(10)).toBe(true)
  expect(budget.open(owner("eve")).takeUpTo(1)).toBe(false)
})

it("is complete again once every share is released", () => {
  const budget = createBodyBudget({ ownerBytes: 10, totalBytes: 10, keptBytes: 1 })
  for (let times = 0; times < 3; times++) {
    const shares = [budget.open(owner("ada")), budget.open(owner("eve"))]
    for (const share of shares) expect(share.takeUpTo(5)).toBe(true)
    for (const share of shares) share.release()
  }
})

it("leaves a quarter to other tenants, however many users of one tenant send bodies", () => {
  const budget = createBodyBudget({ ownerBytes: 8, totalBytes: 32, keptBytes: 1 })
  const crowd = Array.from({ length: 40 }, (_, index) => budget.open(owner(`user-${index}`, "crowd")))
  const taken = crowd.map((share) => share.takeUpTo(8)).filter(Boolean)
  expect(taken).toHaveLength(3)
  expect(budget.open(owner("zoe")).takeUpTo(8)).toBe(true)
})

it("keeps the last bytes for tenants, and for users of a tenant, that have none", () => {
  const budget = createBodyBudget({ ownerBytes: 8, totalBytes: 32, keptBytes: 2 })
  const fill = (userId: string, tenant: string) => {
    for (let count = 0; count < 8; count += 1) budget.open(owner(userId, tenant)).takeUpTo(1)
  }
  for (const user of ["a", "b", "c"]) fill(user, "crowd")
  expect(budget.open(owner("a", "crowd")).takeUpTo(1)).toBe(false)
  const growing = budget.open(owner("d", "crowd"))
  expect([growing.takeUpTo(1), growing.takeUpTo(2), growing.takeUpTo(3)]).toEqual([true, true, false])
  fill("z", "zoo")
  expect(budget.open(owner("z", "zoo")).takeUpTo(1)).toBe(false)
  expect(budget.open(owner("new", "another")).takeUpTo(2)).toBe(true)
})

it("distinguishes owners whose names join to the same text", () => {
  const budget = createBodyBudget({ ownerBytes: 5, totalBytes: 32, keptBytes: 1 })
  expect(budget.open({ tenant: "a b", userId: "c" }).takeUpTo(5)).toBe(true)
  expect(budget.open({ tenant: "a", userId: "b c" }).takeUpTo(5)).toBe(true)
})

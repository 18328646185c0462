import { expect, it } from "vitest"
import { createBodyBudget } from "./body-budget.ts"

it("bounds what one owner holds, and what all hold together", () => {
  const budget = createBodyBudget({ ownerBytes: 10, totalBytes: 15 })
  const first = budget.open("ada")
  expect(first.takeUpTo(6)).toBe(true)
  expect(budget.open("ada").takeUpTo(5)).toBe(false)
  expect(first.takeUpTo(10)).toBe(true)
  const other = budget.open("eve")
  expect(other.takeUpTo(6)).toBe(false)
  expect(other.takeUpTo(5)).toBe(true)
  expect(budget.open("bob").takeUpTo(1)).toBe(false)
  first.release()
  expect(budget.open("ada").takeUpTo(10)).toBe(true)
  expect(budget.open("eve").takeUpTo(1)).toBe(false)
})

it("has everything back once every share is released", () => {
  const budget = createBodyBudget({ ownerBytes: 10, totalBytes: 10 })
  for (let times = 0; times < 3; times++) {
    const shares = [budget.open("ada"), budget.open("eve")]
    for (const share of shares) expect(share.takeUpTo(5)).toBe(true)
    for (const share of shares) share.release()
  }
})

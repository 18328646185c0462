import { expect, it } from "vitest"
import { formatAge, formatTimeLeft } from "../../console/src/ui/format.ts"

const minute = 60_000
const hour = 60 * minute

it.each([
  [0, "under 1 min"],
  [minute - 1, "under 1 min"],
  [5 * minute - 1, "5 min"],
  [hour - 1, "1 h"],
  [1.4 * hour, "1 h"],
  [24 * hour - 1, "24 h"],
  [48 * hour - 1, "2 days"],
  [7 * 24 * hour - 1, "7 days"],
])("rounds the %i ms until an expiry to %s", (ms, text) => {
  expect(formatTimeLeft(ms)).toBe(text)
})

it("does not round an age up", () => {
  expect(formatAge(24 * hour - 1)).toBe("23 h")
})

import { expect, it } from "vitest"
import { createPacer } from "./pacer.ts"

const hog = { tenant: "tenant", userId: "hog" }
const other = { tenant: "tenant", userId: "other" }

it("lets an owner work for a burst, and then for its share of the time", () => {
  let now = 1_000
  const pacer = createPacer({ share: 0.25, burstMs: 10, now: () => now })
  expect(pacer.waitMs(hog)).toBe(0)
  pacer.charge(hog, 10)
  expect(pacer.waitMs(hog)).toBe(0)
  pacer.charge(hog, 5)
  expect(pacer.waitMs(hog)).toBe(20)
  now += 20
  expect(pacer.waitMs(hog)).toBe(0)
  pacer.charge(hog, 5)
  expect(pacer.waitMs(hog)).toBe(20)
})

it("does not delay one owner because of another", () => {
  const pacer = createPacer({ share: 0.5, burstMs: 0, now: () => 1_000 })
  pacer.charge(hog, 100)
  expect(pacer.waitMs(hog)).toBe(200)
  expect(pacer.waitMs(other)).toBe(0)
})

it("gives an idle owner at most one burst", () => {
  let now = 1_000
  const pacer = createPacer({ share: 0.5, burstMs: 10, now: () => now })
  pacer.charge(hog, 10)
  now = 1_000_000
  pacer.charge(hog, 30)
  expect(pacer.waitMs(hog)).toBe(40)
})

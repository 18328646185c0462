import { expect, test } from "vitest"
import { computeBackoff } from "./backoff.ts"

const limits = { firstMs: 100, maxMs: 1_000 }

test("pauses double up to the longest one, after any number of failures", () => {
  const pauses = [0, 1, 2, 3, 4, 1e6].map((retries) => computeBackoff(retries, { ...limits, jitter: 0 }))
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

test("half of a pause is random by default", () => {
  const extremes = [0, 0.5, 1].map((random) => computeBackoff(4, limits, () => random))
  expect(extremes).toEqual([1_000, 750, 500])
})

test("a pause is a whole number of milliseconds, and never 0", () => {
  expect(computeBackoff(0, { firstMs: 1, maxMs: 10, jitter: 1 }, () => 0.9999)).toBe(1)
  expect(computeBackoff(3, { firstMs: 100, maxMs: 1_000, factor: 1.5, jitter: 0 })).toBe(338)
})

import { expect, it, vi } from "vitest"
import { createRecentCache } from "./recent-cache.ts"

it("creates a value once for each key, and again only for the key that was idle longest", () => {
  const cache = createRecentCache<string>(2)
  const make = vi.fn((key: string) => key.toUpperCase())
  const use = (key: string) => cache(key, () => make(key))
  expect(["a", "b", "a", "c", "a", "b"].map(use)).toEqual(["A", "B", "A", "C", "A", "B"])
  expect(make.mock.calls.flat()).toEqual(["a", "b", "c", "b"])
})

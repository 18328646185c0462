import { describe, expect, it } from "vitest"
import { nestsDeeperThan } from "./nesting.ts"

describe("nestsDeeperThan", () => {
  it("counts objects and arrays alike", () => {
    expect(nestsDeeperThan(3, '[{"a":[1]}]')).toBe(false)
    expect(nestsDeeperThan(2, '[{"a":[1]}]')).toBe(true)
  })

  it("counts depth and not number", () => {
    expect(nestsDeeperThan(2, `[${"[1],".repeat(1000)}[1]]`)).toBe(false)
  })

  it("ignores brackets in strings, after escaped quotes too", () => {
    expect(nestsDeeperThan(1, '{"a":"[[[{{{"}')).toBe(false)
    expect(nestsDeeperThan(1, '{"a":"\\"[[[{{{"}')).toBe(false)
    expect(nestsDeeperThan(1, '{"a":"\\\\","b":"[["}')).toBe(false)
  })

  it("sees brackets after a string that ends in a backslash", () => {
    expect(nestsDeeperThan(1, '{"a":"\\\\","b":[1]}')).toBe(true)
  })

  it("copes with text that is not JSON", () => {
    expect(nestsDeeperThan(2, '"[[[[')).toBe(false)
    expect(nestsDeeperThan(2, "]]]][[")).toBe(false)
  })

  it("takes no stack for a million levels", () => {
    expect(nestsDeeperThan(64, "[".repeat(1_000_000))).toBe(true)
  })
})

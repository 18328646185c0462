import { describe, expect, it } from "vitest"
import { canonicalJson } from "./canonical-json.ts"

describe("canonicalJson", () => {
  it("does not depend on the order of keys at any depth", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe(
      canonicalJson({ a: null, b: [{ c: 2, d: 1 }] }),
    )
  })

  it("keeps the order of arrays", () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
  })

  it("tells a string from what it looks like", () => {
    expect(canonicalJson({ a: "1" })).not.toBe(canonicalJson({ a: 1 }))
  })

  it("keeps a key named __proto__", () => {
    expect(canonicalJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}')
  })
})

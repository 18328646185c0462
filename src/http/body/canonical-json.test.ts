import { describe, expect, it } from "vitest"
import type { Json } from "../../core/json.ts"
import { canonicalJson } from "./canonical-json.ts"

const textOf = (value: Json) => [...canonicalJson(value)].join("")

describe("canonicalJson", () => {
  it("does not depend on the order of keys at any depth", () => {
    const text = '{"a":null,"b":[{"c":2,"d":1},[],{}]}'
    expect(textOf({ b: [{ d: 1, c: 2 }, [], {}], a: null })).toBe(text)
    expect(textOf({ a: null, b: [{ c: 2, d: 1 }, [], {}] })).toBe(text)
  })

  it("keeps the order of arrays", () => {
    expect(textOf([1, 2])).toBe("[1,2]")
    expect(textOf([2, 1])).toBe("[2,1]")
  })

  it("tells a string from what it looks like", () => {
    expect(textOf({ a: "1" })).not.toBe(textOf({ a: 1 }))
  })

  it("keeps a key named __proto__", () => {
    expect(textOf(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}')
  })

  it.each(["x", "\n", "é", "😀", "x😀", "\ud800"])("gives a long string of %j in short pieces", (unit) => {
    const value = { message: unit.repeat(400_000) }
    const pieces = [...canonicalJson(value)]
    expect(pieces.join("")).toBe(JSON.stringify(value))
    expect(pieces.length).toBeGreaterThan(1)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(1_000_000)
  })
})

import { describe, expect, it } from "vitest"
import { copyPlainJson } from "./plain-json.ts"

describe("copyPlainJson", () => {
  it.each([
    [null],
    ["text"],
    [1.5],
    [{ a: [true, { b: null }] }],
    [Object.assign(Object.create(null), { a: 1 })],
    [JSON.parse('{"__proto__":{"a":1}}')],
  ])("copies %j", (value: unknown) => {
    expect(JSON.stringify(copyPlainJson(value))).toBe(JSON.stringify(value))
  })

  it("leaves out undefined fields", () => {
    expect(Object.keys(copyPlainJson({ a: undefined, b: 1 }) as object)).toEqual(["b"])
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle

  it.each([
    ["undefined", undefined],
    ["a Date", { at: new Date(0) }],
    ["a Map", { map: new Map() }],
    ["a number that is not finite", [Number.NaN]],
    ["a bigint", { n: 1n }],
    ["a hole in an array", new Array(1)],
    ["an object with toJSON", { toJSON: () => "text" }],
    ["a cycle", cycle],
  ])("refuses %s", (_, value) => {
    expect(copyPlainJson(value)).toBeUndefined()
  })
})

import { describe, expect, it } from "vitest"
import { toCanonicalJson, toCanonicalPieces } from "./canonical-json.ts"

describe("canonicalJson", () => {
  it("does not depend on the order of keys at any depth", () => {
    expect(toCanonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe(
      toCanonicalJson({ a: null, b: [{ c: 2, d: 1 }] }),
    )
  })

  it("keeps the order of arrays", () => {
    expect(toCanonicalJson([1, 2])).not.toBe(toCanonicalJson([2, 1]))
  })

  it("distinguishes a string from the value that it looks like", () => {
    expect(toCanonicalJson({ a: "1" })).not.toBe(toCanonicalJson({ a: 1 }))
  })

  it("keeps a key named __proto__", () => {
    expect(toCanonicalJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}')
  })

  it("sorts keys by their UTF-16 code units, as in RFC 8785, section 3.2.3", () => {
    const given = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    const order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]
    const positions = order.map((key) => toCanonicalJson(given).indexOf(`${JSON.stringify(key)}:`))
    expect(positions).toEqual(positions.toSorted((left, right) => left - right))
    expect(positions).not.toContain(-1)
  })

  it("sorts keys that look like numbers as texts", () => {
    expect(toCanonicalJson({ "9": 1, "10": 2, a: 3 })).toBe('{"10":2,"9":1,"a":3}')
  })

  it("writes numbers and texts as in RFC 8785, section 3.2.2", () => {
    const numbers = JSON.parse("[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0]")
    const string = '\u20ac$\u000f\nA\'B"\\\\"/'
    expect(toCanonicalJson({ string, numbers, literals: [null, true, false] })).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
  })

  it("distinguishes texts that differ in a lone surrogate", () => {
    const [first, second] = ["\ud800", "\ud801"]
    expect(toCanonicalJson(first)).not.toBe(toCanonicalJson(second))
    expect(toCanonicalJson(first)).not.toBe(toCanonicalJson("\\ud800"))
  })

  it("leaves out undefined values", () => {
    expect(toCanonicalJson({ a: undefined, b: 1 } as never)).toBe('{"b":1}')
  })

  it.each(["x", "\n", "é", "😀", "x😀", "\ud800"])("yields a long string of %j in short pieces", (unit) => {
    const value = { message: unit.repeat(400_000) }
    const pieces = [...toCanonicalPieces(value)]
    expect(pieces.join("")).toBe(JSON.stringify(value))
    expect(pieces.length).toBeGreaterThan(1)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(1_000_000)
  })
})

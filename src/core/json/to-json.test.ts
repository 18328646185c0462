import { expect, test } from "vitest"
import { toJson } from "./to-json.ts"

test("copies JSON as it is", () => {
  const value = { a: [1, "two", true, null], b: { c: {} } }
  const copied = toJson(value, "It")
  expect(copied).toEqual(value)
  expect(copied).not.toBe(value)
})

test("a Date becomes its ISO text, and any other toJSON is called", () => {
  expect(toJson({ at: new Date(0), url: new URL("http://x.test/") }, "It")).toEqual({
    at: "1970-01-01T00:00:00.000Z",
    url: "http://x.test/",
  })
})

test("undefined is null, and an undefined field is left out", () => {
  expect(toJson(undefined, "It")).toBeNull()
  expect(toJson({ a: undefined, b: [undefined] }, "It")).toEqual({ b: [null] })
})

test("a field called __proto__ stays a field", () => {
  const copied = toJson(JSON.parse('{"__proto__":{"admin":true}}'), "It")
  expect(JSON.stringify(copied)).toBe('{"__proto__":{"admin":true}}')
  expect((copied as { admin?: boolean }).admin).toBeUndefined()
})

test("the same object twice is not a cycle", () => {
  const shared = { x: 1 }
  expect(toJson([shared, shared], "It")).toEqual([{ x: 1 }, { x: 1 }])
})

const cycle: { self?: unknown } = {}
cycle.self = cycle

test.each([
  ["a bigint", { rows: [{ id: 1n }] }, "It at .rows[0].id is a bigint, which JSON cannot hold."],
  ["a function", { run: () => 1 }, "It at .run is a function, which JSON cannot hold."],
  ["a symbol", Symbol("s"), "It is a symbol, which JSON cannot hold."],
  ["NaN", { mean: Number.NaN }, "It at .mean is NaN, which JSON cannot hold."],
  ["a Map", new Map([["a", 1]]), "It is a Map: make it an object or an array."],
  ["a Set", [new Set()], "It at [0] is a Set: make it an object or an array."],
  ["bytes", { data: Buffer.from("x") }, "It at .data is binary data: encode it as base64 text."],
])("refuses %s and names the place", (_name, value, message) => {
  expect(() => toJson(value, "It")).toThrow(message)
})

test("refuses a cycle", () => {
  expect(() => toJson(cycle, "It")).toThrow(
    /^It at (\.self){16}… is nested deeper than 100 levels, or in itself\.$/,
  )
})

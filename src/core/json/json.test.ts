import { expect, it } from "vitest"
import { formatJsonStart, isLongerAsJson } from "./json.ts"

const value = { a: [1, "two", null, true], b: { c: {}, d: [] } }

it("returns whether a value has more than a number of characters as JSON", () => {
  const { length } = JSON.stringify(value)
  expect(isLongerAsJson(value, length + 5)).toBe(false)
  expect(isLongerAsJson(value, length - 5)).toBe(true)
  expect(isLongerAsJson("x".repeat(100), 99)).toBe(true)
})

it("examines no more of a large value than necessary", () => {
  let reads = 0
  const items = new Proxy([...Array(100_000).keys()], {
    get(target, key) {
      reads += 1
      return Reflect.get(target, key)
    },
  })
  expect(isLongerAsJson({ items }, 1_000)).toBe(true)
  expect(formatJsonStart({ items }, 1_000)).toHaveLength(1_000)
  expect(reads).toBeLessThan(5_000)
})

it("returns the beginning of a value's JSON", () => {
  const text = JSON.stringify(value)
  expect(formatJsonStart(value, 1_000)).toBe(text)
  for (const length of [1, 10, 20]) expect(formatJsonStart(value, length)).toBe(text.slice(0, length))
})

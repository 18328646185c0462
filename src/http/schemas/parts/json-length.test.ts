import { expect, it } from "vitest"
import { isLongerThan } from "./json-length.ts"

it.each([
  {},
  { a: "x".repeat(50) },
  { a: ["x", { b: "\n\n\n" }, 12, null, true] },
  { [`${"k".repeat(30)}`]: [1, [2, [3]]] },
])("counts the characters of the JSON of %j", (value) => {
  const { length } = JSON.stringify(value)
  expect(isLongerThan(length, value)).toBe(false)
  expect(isLongerThan(length - 1, value)).toBe(true)
})

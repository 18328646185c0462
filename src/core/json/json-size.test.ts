import { expect, it } from "vitest"
import { estimateJsonSize } from "./json-size.ts"

it.each([
  "a text",
  12_345,
  null,
  { a: "x".repeat(1_000), b: [1, 2, { c: null, d: ["e", "f"] }], empty: {}, none: [] },
  Array.from({ length: 100 }, (_, index) => ({ type: "text", text: `part ${index}` })),
])("is close to the length of the JSON text of %j", (value) => {
  const { length } = JSON.stringify(value)
  expect(Math.abs(estimateJsonSize(value) - length)).toBeLessThanOrEqual(3 + length / 20)
})

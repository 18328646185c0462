import { expect, it } from "vitest"
import { countTurns } from "../../core/fixtures/count-turns.ts"
import { stringifyInSlices, toJsonPieces } from "./json-pieces.ts"

const long = 1024 * 1024

it.each([
  ["a small value", { b: 1, a: [true, null, "x"], none: undefined }],
  ["a long string", "x".repeat(long)],
  ["a string that is all escapes", '\n"\\\u0001'.repeat(long / 4)],
  ["a string whose surrogate pairs could be divided", `x${"😀".repeat(long / 2)}`],
  ["a string with surrogates that are alone", `${"\ud83d".repeat(long)}`],
  ["many small values", Array.from({ length: 50_000 }, (_, index) => ({ index, none: undefined }))],
  ["an array with holes", [undefined, "x".repeat(long), undefined]],
  ["members that are undefined", { none: undefined, text: "x".repeat(long), last: undefined }],
  ["a large key", { ["k".repeat(long)]: { "": 0 } }],
  ["large and empty values in each other", [{ a: [], b: {}, c: ["x".repeat(long), []] }, {}]],
])("yields the text that JSON.stringify returns for %s", async (_, value) => {
  expect([...toJsonPieces(value)].join("") === JSON.stringify(value)).toBe(true)
  expect((await stringifyInSlices(value)) === JSON.stringify(value)).toBe(true)
})

it("yields pieces of bounded length", () => {
  const blocks = Array.from({ length: 4_000 }, () => ({ type: "text", text: "x".repeat(1_000) }))
  for (const value of ["x".repeat(4 * long), blocks, { message: { content: blocks } }]) {
    const pieces = [...toJsonPieces(value)]
    expect(pieces.length).toBeGreaterThanOrEqual(30)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000)
  }
})

it("yields to the event loop between the slices of a large value", async () => {
  const { turns } = await countTurns(() => stringifyInSlices("x".repeat(4 * long)))
  expect(turns).toBeGreaterThanOrEqual(30)
})

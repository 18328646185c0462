import { expect, test } from "vitest"
import { parseTraceparent, readTraceId } from "./trace-context.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const parentId = "00f067aa0ba902b7"
const valid = `00-${traceId}-${parentId}-01`

test.each([valid, `00-${traceId}-${parentId}-00`, `00-${traceId}-${parentId}-ff`])(
  "%s is passed on unchanged",
  (given) => {
    expect(parseTraceparent(given)).toBe(given)
  },
)

test.each([
  [`01-${traceId}-${parentId}-01`, valid],
  [`cc-${traceId}-${parentId}-01-what-the-future-adds`, valid],
  [`cc-${traceId}-${parentId}-09`, valid],
  [`cc-${traceId}-${parentId}-fc`, `00-${traceId}-${parentId}-00`],
])("%s has a later version, and is passed on as version 00", (given, expected) => {
  expect(parseTraceparent(given)).toBe(expected)
})

test.each([
  undefined,
  null,
  "",
  "hello",
  valid.toUpperCase(),
  ` ${valid}`,
  `${valid}\n`,
  `${valid}-`,
  `${valid}-more`,
  `${valid}, ${valid}`,
  `ff-${traceId}-${parentId}-01`,
  `00-${"0".repeat(32)}-${parentId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.slice(1)}-${parentId}-01`,
  `00-${traceId}-${parentId}-1`,
  `00-${traceId}-${parentId}`,
  `01-${traceId}-${parentId}-01more`,
  `cc-${traceId}-${parentId}-01-${"x".repeat(1_000)}`,
])("%j is ignored", (given) => {
  expect(parseTraceparent(given)).toBeNull()
})

test("the trace has an id", () => {
  expect(readTraceId(valid)).toBe(traceId)
})

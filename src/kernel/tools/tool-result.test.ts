import { expect, test } from "vitest"
import { content } from "./tool-content.ts"
import { findMarkedResult, toolError, toolResult } from "./tool-result.ts"

test("a value becomes a result with its marks", () => {
  expect(findMarkedResult(toolResult({ rows: 2 }, { warning: "Only 2 of 5 rows matched." }))).toEqual({
    ...{ type: "json", value: { rows: 2 } },
    warning: "Only 2 of 5 rows matched.",
  })
  expect(findMarkedResult(toolResult({ success: false }, { isError: true }))).toEqual({
    ...{ type: "json", value: { success: false } },
    isError: true,
  })
})

test("content stays content", () => {
  const parts = [{ type: "text", text: "A chart." }] as const
  expect(findMarkedResult(toolResult(content(parts), { isError: true }))).toEqual({
    ...{ type: "content", content: parts },
    isError: true,
  })
})

test("a result without options is its value", () => {
  expect(findMarkedResult(toolResult(undefined))).toEqual({ type: "json", value: null })
  expect(findMarkedResult(toolResult(1, { isError: false }))).toEqual({ type: "json", value: 1 })
})

test("an error has its codes", () => {
  const error = { code: "lookup_failed", subCode: "not_found", message: "There is no order 7." }
  expect(findMarkedResult(toolError(error))).toEqual({ type: "error", ...error })
  expect(findMarkedResult(toolError({ code: "closed", message: "Try tomorrow." }))).toEqual({
    ...{ type: "error", code: "closed" },
    message: "Try tomorrow.",
  })
})

test("a value that only looks like a failure is not one", () => {
  expect(findMarkedResult({ type: "error", code: "x", message: "y" })).toBeNull()
  expect(findMarkedResult({ success: false, status: "error" })).toBeNull()
  expect(findMarkedResult(null)).toBeNull()
})

test.each([
  ["a misspelled option", () => toolResult(1, { warnings: "x" } as object), "did you mean warning"],
  ["an empty warning", () => toolResult(1, { warning: "" }), "warning: is empty"],
  ["a value that is not JSON", () => toolResult(1n), "toolResult()"],
  [
    "a code with spaces",
    () => toolError({ code: "not found", message: "x" }),
    "code: expected 1 to 128 letters",
  ],
  ["a code that is too long", () => toolError({ code: "a".repeat(129), message: "x" }), "code:"],
  ["an error without a message", () => toolError({ code: "x" } as never), "message:"],
])("refuses %s", (_name, make, problem) => {
  expect(make).toThrow(problem)
})

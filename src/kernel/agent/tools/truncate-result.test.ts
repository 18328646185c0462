import { expect, it } from "vitest"
import type { ContentPart } from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { truncateResult } from "./truncate-result.ts"

const text = (value: string): ContentPart => ({ type: "text", text: value })
const image = (data: string): ContentPart => ({
  type: "image",
  source: { type: "base64", mediaType: "image/png", data },
})

/** Returns the size of a result as JSON. */
const sizeOf = (result: ToolResult) => JSON.stringify(result).length

it.each<[string, ToolResult]>([
  ["text", { type: "content", content: [text("some text")] }],
  ["several parts", { type: "content", content: [text("one"), image("iVBO"), text("two")] }],
  ["JSON", { type: "json", value: { a: [1, 2] } }],
  ["marks", { type: "json", value: 1, isError: true, warning: "Incomplete." }],
  ["an error", { type: "error", code: "failed", message: "It failed." }],
])("leaves small results as they are: %s", (_what, result) => {
  expect(truncateResult(result, 1_000)).toEqual(result)
})

const many = Array.from({ length: 200_000 })
it.each<[string, ToolResult]>([
  ["one long text", { type: "content", content: [text("x".repeat(1_000_000))] }],
  ["many small texts", { type: "content", content: many.map(() => text("x")) }],
  ["many empty texts", { type: "content", content: many.map(() => text("")) }],
  ["many small images", { type: "content", content: many.map(() => image("aGk=")) }],
  ["many links to images", { type: "content", content: many.map(() => link("https://example.com/a.png")) }],
  [
    "a long link to an image",
    { type: "content", content: [link(`https://example.com/${"a".repeat(1_000_000)}`)] },
  ],
  ["JSON with many items", { type: "json", value: many.map(() => [0]) }],
  ["JSON with a long text", { type: "json", value: { a: "x".repeat(5_000_000) } }],
  ["a long warning", { type: "json", value: 1, warning: "x".repeat(1_000_000) }],
  ["a long error", { type: "error", code: "failed", message: "x".repeat(1_000_000) }],
])("bounds %s", (_what, result) => {
  expect(sizeOf(truncateResult(result, 1_000))).toBeLessThan(20_000)
})

function link(url: string): ContentPart {
  return { type: "image", source: { type: "url", url } }
}

it("states once how much is missing", () => {
  const content = [text("a".repeat(600)), text("b".repeat(600)), text("c"), image("iVBO"), text("d")]
  const bounded = truncateResult({ type: "content", content }, 1_000)
  expect(bounded).toMatchObject({
    type: "content",
    content: [
      { type: "text" },
      { text: expect.stringMatching(/^b+\n\[The result was truncated: \d+ of 600 bytes are shown\.\]$/) },
      { type: "image" },
      text("[2 more parts were left out of the result.]"),
    ],
  })
})

it("keeps the beginning of JSON, and valid text if a character is cut", () => {
  const bounded = truncateResult({ type: "json", value: { words: "äöü".repeat(1_000_000) } }, 100)
  expect(bounded).toMatchObject({
    type: "content",
    content: [{ text: expect.stringMatching(/^\{"words":"[äöü]+\n\[The result was truncated/) }],
  })
})

import type { ContentBlock } from "@modelcontextprotocol/client"
import { expect, it } from "vitest"
import { toToolResult } from "./tool-result.ts"

const text = (value: string) => ({ type: "text", text: value }) as const
const png = { type: "image", mimeType: "image/png", data: "iVBO" } as const

it.each<[string, ContentBlock, unknown]>([
  ["text", text("hello"), text("hello")],
  ["an image", png, { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } }],
  [
    "an image that models do not take",
    { type: "image", mimeType: "image/svg+xml", data: "PHN2Zz4=" },
    text("[image (image/svg+xml), 6 bytes, which cannot be shown]"),
  ],
  [
    "sound",
    { type: "audio", mimeType: "audio/wav", data: "UklGRg==" },
    text("[sound (audio/wav), 6 bytes, which cannot be shown]"),
  ],
  [
    "a link to a resource",
    {
      type: "resource_link",
      name: "Notes",
      uri: "file:///n.md",
      mimeType: "text/markdown",
      description: "Mine",
    },
    text("[resource Notes: file:///n.md (text/markdown): Mine]"),
  ],
  [
    "an embedded text",
    { type: "resource", resource: { uri: "file:///n.md", text: "# Notes" } },
    text("[resource file:///n.md]\n# Notes"),
  ],
  [
    "an embedded text in base64",
    { type: "resource", resource: { uri: "x:1", mimeType: "text/plain", blob: "aGk=" } },
    text("[resource x:1 (text/plain)]\nhi"),
  ],
  [
    "an embedded image",
    { type: "resource", resource: { uri: "x:1", mimeType: "image/png", blob: "iVBO" } },
    { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } },
  ],
])("gives the model %s", (_kind, block, part) => {
  expect(toToolResult({ content: [block] })).toEqual({ type: "content", content: [part] })
})

it.each([
  ["an object", '{ "rows": [1, 2] }', { rows: [1, 2] }],
  ["a list", "[]", []],
  ["a number", "5", 5],
  ["a text", '"five"', "five"],
])("gives clients the value of one text that is the JSON of %s", (_kind, json, value) => {
  expect(toToolResult({ content: [text(json)] })).toEqual({ type: "json", value })
})

it.each([
  ["is not JSON", "rows: 1"],
  ["has a number whose digits would be lost", '{"id":12345678901234567890}'],
  ["has a number that is too large", '{"size":1e999}'],
  ["nests too deep", "[".repeat(200) + "]".repeat(200)],
  ["is long", JSON.stringify("x".repeat(300_000))],
])("leaves a text as it is that %s", (_kind, value) => {
  expect(toToolResult({ content: [text(value)] })).toEqual({ type: "content", content: [text(value)] })
})

it("leaves several texts as they are", () => {
  const content = [text("{}"), text("{}")]
  expect(toToolResult({ content })).toEqual({ type: "content", content })
})

it("uses structured content as the result if the text only repeats it", () => {
  const structuredContent = { b: 1, a: [2] }
  const result = { type: "json", value: structuredContent }
  expect(toToolResult({ content: [text('{"a":[2],"b":1}')], structuredContent })).toEqual(result)
  expect(toToolResult({ content: [], structuredContent })).toEqual(result)
})

it("adds structured content to a text with other content", () => {
  expect(toToolResult({ content: [text("Sunny."), png], structuredContent: { sun: true } })).toMatchObject({
    type: "content",
    content: [text("Sunny."), { type: "image" }, text('{"sun":true}')],
  })
})

it("turns a tool's own error into an error", () => {
  expect(toToolResult({ content: [text("no"), text("such file")], isError: true })).toEqual({
    type: "error",
    code: "mcp_tool_error",
    message: "no\nsuch file",
  })
})

it("refuses structured content that is nested too deeply to serialize", () => {
  const nested = (levels: number) => JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`) as unknown
  const resultOf = (levels: number) => toToolResult({ content: [], structuredContent: { a: nested(levels) } })
  expect(resultOf(99)).toMatchObject({ type: "json" })
  expect(resultOf(100)).toMatchObject({ type: "error", code: "mcp_tool_error" })
  expect(resultOf(100_000)).toMatchObject({ type: "error", code: "mcp_tool_error" })
})

it.each<[string, readonly ContentBlock[], unknown, unknown]>([
  [
    "a text that the filesystem server wraps",
    [text("# Notes\nBuy milk.")],
    { content: "# Notes\nBuy milk." },
    { type: "content", content: [text("# Notes\nBuy milk.")] },
  ],
  [
    "a text that the Python SDK wraps",
    [text("Oslo")],
    { result: "Oslo" },
    { type: "content", content: [text("Oslo")] },
  ],
  [
    "an object that the Python SDK wraps",
    [text('{\n  "a": 1\n}')],
    { result: { a: 1 } },
    { type: "json", value: { a: 1 } },
  ],
  ["a number that the Python SDK wraps", [text("5")], { result: 5 }, { type: "json", value: 5 }],
  [
    "a list of which each item is a text of its own",
    [text('{"a":1}'), text("two"), text("3")],
    { result: [{ a: 1 }, "two", 3] },
    { type: "json", value: [{ a: 1 }, "two", 3] },
  ],
  [
    "the content itself",
    [png],
    { content: [png] },
    { type: "content", content: [expect.objectContaining({ type: "image" })] },
  ],
])(
  "keeps one copy of content that structured content repeats: %s",
  (_what, content, structuredContent, expected) => {
    expect(toToolResult({ content: [...content], structuredContent })).toEqual(expected)
  },
)

it("does not compare structured content that is too large for a model", () => {
  const rows = Array.from({ length: 100_000 }, (_, index) => ({ index }))
  const structuredContent = { rows }
  const before = process.threadCpuUsage().user
  const result = toToolResult({ content: [text(JSON.stringify(structuredContent))], structuredContent })
  expect((process.threadCpuUsage().user - before) / 1_000).toBeLessThan(100)
  const note = "[Structured content of more than 262144 characters was left out.]"
  expect(result).toMatchObject({ type: "content", content: [{ type: "text" }, text(note)] })
})

it("returns the beginning of large structured content if there is nothing else", () => {
  const result = toToolResult({
    content: [],
    structuredContent: { rows: Array.from({ length: 500_000 }, () => 0) },
  })
  expect(result).toMatchObject({
    type: "content",
    content: [{ type: "text", text: expect.stringMatching(/^\{"rows":\[0,0,/) }],
  })
  expect(JSON.stringify(result).length).toBeLessThan(300_000)
})

it("joins the texts after a thousand parts, and loses none of them", () => {
  const content = Array.from({ length: 200_000 }, (_, index) => text(`line ${index}`))
  const result = toToolResult({ content })
  const parts = result.type === "content" ? result.content : []
  expect(parts).toHaveLength(1_001)
  const lines = parts.flatMap((part) => (part.type === "text" ? part.text.split("\n") : []))
  expect(lines).toEqual(content.map((part) => part.text))
})

it("counts the omitted parts after a thousand: images, and texts of more than 32 MiB", () => {
  const first = Array.from({ length: 1_000 }, () => text("x"))
  const withImages = toToolResult({ content: [...first, png, text("y"), png] })
  expect(withImages.type === "content" && withImages.content.slice(1_000)).toEqual([
    text("y"),
    text("[2 more parts were left out.]"),
  ])
  const large = text("é".repeat(9 * 1024 * 1024))
  const withLarge = toToolResult({ content: [...first, large, large, text("z")] })
  expect(withLarge.type === "content" && withLarge.content.slice(1_000)).toEqual([
    large,
    text("[2 more parts were left out.]"),
  ])
})

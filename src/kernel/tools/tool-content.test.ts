import { expect, test } from "vitest"
import type { ContentPart } from "../../core/history/messages.ts"
import { content, findContent } from "./tool-content.ts"

test("content blocks are returned unchanged", () => {
  const parts: ContentPart[] = [
    { type: "text", text: "A chart:" },
    { type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBORw0=" } },
    { type: "image", source: { type: "url", url: "https://example.test/chart.png" } },
  ]
  expect(findContent(content(parts))).toEqual(parts)
})

test("a value that only looks like content is not content", () => {
  expect(findContent({ type: "content", content: [{ type: "text", text: "x" }] })).toBeNull()
  expect(findContent(null)).toBeNull()
  expect(findContent("text")).toBeNull()
})

test.each([
  ["an unknown block", { type: "video" }],
  ["an image without its media type", { type: "image", source: { type: "base64", data: "AAAA" } }],
  [
    "data that is not base64",
    { type: "image", source: { type: "base64", mediaType: "image/png", data: "é" } },
  ],
  ["a URL of another scheme", { type: "image", source: { type: "url", url: "file:///etc/passwd" } }],
])("refuses %s", (_name, part) => {
  expect(() => content([part as ContentPart])).toThrow(
    expect.objectContaining({ code: "invalid_content", message: expect.stringContaining("content()") }),
  )
})

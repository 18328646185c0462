import { expect, test } from "vitest"
import type { ModelPart } from "../../../core/history/messages.ts"
import { StreamLimitError } from "../transport/stream-fault.ts"
import { AnswerFold, type StreamPart } from "./answer-fold.ts"

function fold(...parts: readonly StreamPart[]) {
  const answer = new AnswerFold("ai-sdk/test")
  const deltas = parts.map((part) => answer.apply(part)).filter((event) => event.type !== "progress")
  return { deltas, content: answer.content(), called: answer.called }
}

const vendor = (data: object) => ({ provider: "ai-sdk/test", data })
const metadata = { test: { signature: "s" } }

test("interleaved texts and thoughts are separate parts, with the last of their metadata", () => {
  const { deltas, content } = fold(
    { type: "reasoning-start", id: "0" },
    { type: "text-start", id: "0" },
    { type: "reasoning-delta", id: "0", delta: "Hm." },
    { type: "text-delta", id: "0", delta: "Hi" },
    { type: "reasoning-delta", id: "0", delta: "", providerMetadata: metadata },
    { type: "text-delta", id: "0", delta: "!" },
    { type: "reasoning-end", id: "0" },
    { type: "text-end", id: "0" },
  )
  expect(deltas).toEqual([
    { type: "thinkingDelta", part: 0, text: "Hm." },
    { type: "textDelta", part: 1, text: "Hi" },
    { type: "textDelta", part: 1, text: "!" },
  ])
  expect(content).toEqual([
    { type: "thinking", text: "Hm.", vendor: vendor({ metadata }) },
    { type: "text", text: "Hi!" },
  ])
})

test.each<[StreamPart, boolean]>([
  [{ type: "text-start", id: "1" }, false],
  [{ type: "text-delta", id: "1", delta: "" }, false],
  [{ type: "reasoning-delta", id: "1", delta: "" }, false],
  [{ type: "raw", rawValue: {} }, false],
  [{ type: "reasoning-delta", id: "1", delta: "", providerMetadata: metadata }, true],
  [{ type: "tool-input-start", id: "c", toolName: "add" }, true],
  [{ type: "tool-call", toolCallId: "c", toolName: "add", input: "{}" }, true],
])("%o is progress: %s", (part, expected) => {
  expect(new AnswerFold("ai-sdk/test").apply(part)).toEqual({
    type: "progress",
    ...(expected && { advanced: true }),
  })
})

test("a response with too many parts, or too many bytes without text, is refused", () => {
  const answer = new AnswerFold("ai-sdk/test")
  for (let part = 0; part < 10_000; part++) answer.apply({ type: "text-start", id: "1" })
  expect(() => answer.apply({ type: "text-start", id: "1" })).toThrow(StreamLimitError)
  const large = {
    type: "file",
    mediaType: "image/png",
    data: { type: "data", data: "A".repeat(2 ** 25) },
  } as const
  const other = new AnswerFold("ai-sdk/test")
  other.apply(large)
  expect(() => other.apply(large)).toThrow(StreamLimitError)
})

test("an id that starts again is a new part", () => {
  const once = [
    { type: "text-start", id: "txt" },
    { type: "text-delta", id: "txt", delta: "A" },
    { type: "text-end", id: "txt" },
  ] as const
  expect(fold(...once, ...once).content).toEqual([
    { type: "text", text: "A" },
    { type: "text", text: "A" },
  ])
})

test("a call keeps its id and metadata", () => {
  const { content, called } = fold(
    { type: "tool-input-start", id: "c", toolName: "add" },
    { type: "tool-input-delta", id: "c", delta: '{"a":1}' },
    { type: "tool-input-end", id: "c" },
    { type: "tool-call", toolCallId: "c", toolName: "add", input: '{"a":1}', providerMetadata: metadata },
  )
  const expected: ModelPart = { type: "toolCall", name: "add", input: { a: 1 } }
  expect(content).toEqual([{ ...expected, vendor: vendor({ id: "c", metadata }) }])
  expect(called).toBe(true)
})

test("parts that the provider executed itself are kept in the form in which they are sent back", () => {
  const { content, called } = fold(
    { type: "tool-call", toolCallId: "s", toolName: "search", input: '{"q":"x"}', providerExecuted: true },
    { type: "tool-result", toolCallId: "s", toolName: "search", result: ["half"], preliminary: true },
    {
      type: "tool-result",
      toolCallId: "s",
      toolName: "search",
      result: ["found"],
      providerMetadata: metadata,
    },
    { type: "tool-result", toolCallId: "s", toolName: "search", result: "gone", isError: true },
    { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([1, 2]) } },
    { type: "file", mediaType: "image/png", data: "AQI=" },
    { type: "custom", kind: "test.compaction", providerMetadata: metadata },
  )
  const image = { type: "file", mediaType: "image/png", data: { type: "data", data: "AQI=" } }
  const result = { type: "tool-result", toolCallId: "s", toolName: "search" }
  expect(called).toBe(false)
  expect(content.map((part) => part.vendor?.data.part)).toEqual([
    { type: "tool-call", toolCallId: "s", toolName: "search", input: { q: "x" }, providerExecuted: true },
    { ...result, output: { type: "json", value: ["found"] }, providerOptions: metadata },
    { ...result, output: { type: "error-json", value: "gone" } },
    image,
    image,
    { type: "custom", kind: "test.compaction", providerOptions: metadata },
  ])
})

test("parts that are only for display are left out", () => {
  const { content } = fold(
    { type: "stream-start", warnings: [] },
    { type: "source", sourceType: "url", id: "1", url: "https://x.test" },
    { type: "ping" },
    { type: "raw", rawValue: {} },
    { type: "custom", kind: "anthropic.message_start" },
  )
  expect(content).toEqual([])
})

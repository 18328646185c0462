import type { Anthropic } from "@anthropic-ai/sdk"
import { expect, test } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import { AnthropicFold } from "./answer-fold.ts"

const start = (index: number, content_block: JsonObject) => ({
  type: "content_block_start",
  index,
  content_block,
})
const delta = (index: number, value: JsonObject) => ({ type: "content_block_delta", index, delta: value })
const begun = {
  type: "message_start",
  message: { model: "claude-test", usage: { input_tokens: 7, output_tokens: 1, cache_read_input_tokens: 5 } },
}

function fold(...events: readonly JsonObject[]) {
  const answer = new AnthropicFold()
  const news = events.flatMap(
    (event) => answer.apply(event as unknown as Anthropic.RawMessageStreamEvent) ?? [],
  )
  const deltas = news.flatMap((event) => (event.type === "progress" ? [] : [event]))
  return {
    deltas,
    counts: news.filter((event) => event.type === "progress"),
    complete: answer.complete,
    end: answer.end("asked-for"),
  }
}

const finished = (stop_reason: string | null, usage: JsonObject = {}) => [
  { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 20, ...usage } },
  { type: "message_stop" },
]

test("text, thinking and calls become parts in the order of their blocks", () => {
  const { deltas, end, complete } = fold(
    begun,
    start(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "Hm" }),
    delta(0, { type: "thinking_delta", thinking: "m." }),
    delta(0, { type: "signature_delta", signature: "Eq+/=" }),
    { type: "content_block_stop", index: 0 },
    start(1, { type: "text", text: "" }),
    delta(1, { type: "text_delta", text: "Hi" }),
    { type: "content_block_stop", index: 1 },
    start(2, { type: "tool_use", id: "toolu_1", name: "add", input: {}, caller: { type: "direct" } }),
    delta(2, { type: "input_json_delta", partial_json: "" }),
    delta(2, { type: "input_json_delta", partial_json: '{"a":' }),
    delta(2, { type: "input_json_delta", partial_json: "1}" }),
    ...finished("tool_use"),
  )
  expect(deltas).toEqual([
    { type: "thinkingDelta", part: 0, text: "Hm" },
    { type: "thinkingDelta", part: 0, text: "m." },
    { type: "textDelta", part: 1, text: "Hi" },
    { type: "toolInputDelta", part: 2, name: "add", text: '{"a":' },
    { type: "toolInputDelta", part: 2, name: "add", text: "1}" },
  ])
  expect(complete).toBe(true)
  const vendor = (data: JsonObject) => ({ provider: "anthropic", data })
  expect(end).toEqual({
    type: "end",
    model: "claude-test",
    stopReason: "toolCalls",
    usage: { inputTokens: 7, outputTokens: 20, cacheReadInputTokens: 5, cacheCreationInputTokens: 0 },
    content: [
      { type: "thinking", text: "Hmm.", vendor: vendor({ signature: "Eq+/=" }) },
      { type: "text", text: "Hi" },
      {
        type: "toolCall",
        name: "add",
        input: { a: 1 },
        vendor: vendor({ id: "toolu_1", caller: { type: "direct" } }),
      },
    ],
  })
})

test("thinking that is not shown keeps its signature", () => {
  const { deltas, end } = fold(
    start(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "signature_delta", signature: "only" }),
  )
  expect(deltas).toEqual([])
  expect(end.content).toEqual([
    { type: "thinking", text: "", vendor: { provider: "anthropic", data: { signature: "only" } } },
  ])
})

test.each([
  ["no input", "", { input: {} }],
  ["cut JSON", '{"a": ', { input: {}, malformedInput: '{"a": ' }],
  ["JSON that is no object", "[1]", { input: {}, malformedInput: "[1]" }],
])("a call with %s", (_, partial_json, expected) => {
  const { end } = fold(
    start(0, { type: "tool_use", id: "t", name: "add", input: {} }),
    delta(0, { type: "input_json_delta", partial_json }),
  )
  expect(end.content).toEqual([
    { type: "toolCall", name: "add", ...expected, vendor: { provider: "anthropic", data: { id: "t" } } },
  ])
})

test("citations stay with their text", () => {
  const { end } = fold(
    start(0, { type: "text", text: "", citations: null }),
    delta(0, { type: "citations_delta", citation: { type: "page_location", cited_text: "a" } }),
    delta(0, { type: "text_delta", text: "So it is." }),
    delta(0, { type: "citations_delta", citation: { type: "page_location", cited_text: "b" } }),
  )
  expect(end.content).toMatchObject([
    {
      type: "text",
      text: "So it is.",
      vendor: { data: { citations: [{ cited_text: "a" }, { cited_text: "b" }] } },
    },
  ])
})

test("the provider's own blocks are kept completely, with the content of their deltas", () => {
  const { deltas, end } = fold(
    start(0, { type: "redacted_thinking", data: "secret" }),
    start(1, { type: "server_tool_use", id: "s", name: "web_search", input: {} }),
    delta(1, { type: "input_json_delta", partial_json: '{"query":"x"}' }),
    start(2, { type: "web_search_tool_result", tool_use_id: "s", content: [{ encrypted_content: "e" }] }),
    start(3, { type: "compaction", content: null }),
    delta(3, { type: "compaction_delta", content: "Summary", encrypted_content: "z" }),
    start(4, { type: "text", text: "" }),
    delta(4, { type: "text_delta", text: "Found." }),
  )
  expect(deltas).toEqual([{ type: "textDelta", part: 4, text: "Found." }])
  expect(end.content.map((part) => (part.type === "opaque" ? part.vendor.data : part.type))).toEqual([
    { type: "redacted_thinking", data: "secret" },
    { type: "server_tool_use", id: "s", name: "web_search", input: { query: "x" } },
    { type: "web_search_tool_result", tool_use_id: "s", content: [{ encrypted_content: "e" }] },
    { type: "compaction", content: "Summary", encrypted_content: "z" },
    "text",
  ])
})

test("text in the start of a block is a delta too", () => {
  const { deltas, end } = fold(
    start(0, { type: "text", text: "Hel" }),
    delta(0, { type: "text_delta", text: "lo" }),
  )
  expect(deltas.map((event) => event.text).join("")).toBe("Hello")
  expect(end.content).toEqual([{ type: "text", text: "Hello" }])
})

test("pings, unknown events and a second message_start change nothing", () => {
  const events = [begun, start(0, { type: "text", text: "" }), delta(0, { type: "text_delta", text: "Hi" })]
  const noisy = [begun, { type: "ping" }, ...events, { type: "something_new" }, ...finished("end_turn")]
  const { deltas, end } = fold(...events, ...finished("end_turn"))
  expect(fold(...noisy)).toMatchObject({ deltas, end })
})

test.each<[string, boolean, readonly JsonObject[]]>([
  ["a ping", false, [{ type: "ping" }]],
  ["an empty text", false, [start(0, { type: "text", text: "" })]],
  [
    "an empty signature",
    false,
    [start(0, { type: "thinking" }), delta(0, { type: "signature_delta", signature: "" })],
  ],
  [
    "a signature",
    true,
    [start(0, { type: "thinking" }), delta(0, { type: "signature_delta", signature: "Eq" })],
  ],
  [
    "an empty citation",
    false,
    [start(0, { type: "text", text: "" }), delta(0, { type: "citations_delta", citation: {} })],
  ],
  ["a search by the service", true, [start(0, { type: "server_tool_use", id: "srv", name: "web_search" })]],
])("%s is progress: %s", (_, expected, events) => {
  const answer = new AnthropicFold()
  for (const event of [begun, ...events]) answer.apply(event as unknown as Anthropic.RawMessageStreamEvent)
  expect([answer.advanced, answer.progress().advanced ?? false, answer.advanced]).toEqual([
    expected,
    expected,
    false,
  ])
})

test("each count is progress, and a provider without counts has no usage", () => {
  const { counts, end } = fold(begun, ...finished("end_turn"))
  expect(counts.map((event) => event.usage?.outputTokens)).toEqual([1, 20])
  expect(counts.at(-1)?.usage).toEqual(end.usage)
  const silent = { type: "message_delta", delta: { stop_reason: "end_turn" } }
  expect(fold(silent, { type: "message_stop" })).toMatchObject({ counts: [], end: { usage: null } })
})

test("counts in message_delta replace the first ones, if there are any", () => {
  const usage = { input_tokens: 61, cache_read_input_tokens: null, cache_creation_input_tokens: 3 }
  expect(fold(begun, ...finished("end_turn", usage)).end.usage).toEqual({
    inputTokens: 61,
    outputTokens: 20,
    cacheReadInputTokens: 5,
    cacheCreationInputTokens: 3,
  })
})

test.each([
  ["end_turn", "end"],
  ["stop_sequence", "end"],
  ["tool_use", "toolCalls"],
  ["max_tokens", "maxTokens"],
  ["pause_turn", "pause"],
  ["refusal", "refusal"],
  ["model_context_window_exceeded", "contextFull"],
  ["something_new", "end"],
  [null, "end"],
])("stop reason %s is %s", (reason, expected) => {
  expect(fold(begun, ...finished(reason)).end.stopReason).toBe(expected)
})

test("a stream without message_stop is incomplete, and the requested model counts if the provider names none", () => {
  const { complete, end } = fold(...finished("end_turn").slice(0, 1))
  expect(complete).toBe(false)
  expect(end.model).toBe("asked-for")
})

test("a delta for a block that has not started, or a second start of a block, is invalid", () => {
  expect(() => fold(delta(3, { type: "text_delta", text: "lost" }))).toThrow("content block 3")
  const block = start(0, { type: "text", text: "" })
  expect(() => fold(block, block)).toThrow("begins twice")
})

test("a provider with null counts has no usage", () => {
  const { end } = fold(
    { type: "message_start", message: { model: "claude-test", usage: null } },
    start(0, { type: "text", text: "Hi" }),
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: null },
    { type: "message_stop" },
  )
  expect(end).toMatchObject({ content: [{ text: "Hi" }], stopReason: "end", usage: null })
})

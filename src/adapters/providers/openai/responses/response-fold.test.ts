import { expect, test } from "vitest"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelDelta, ModelInputDelta } from "../../../../core/ports/model/provider.ts"
import { BrokenStreamError } from "../../transport/stream-fault.ts"
import { ResponseFold } from "./response-fold.ts"

function fold(...events: readonly JsonObject[]) {
  const answer = new ResponseFold("openai")
  const deltas: readonly (ModelDelta | ModelInputDelta)[] = events.flatMap((event) =>
    answer.apply(JSON.stringify(event)),
  )
  return { deltas, complete: answer.complete, end: answer.end("asked-for") }
}

const added = (output_index: number, item: JsonObject) => ({
  type: "response.output_item.added",
  output_index,
  item,
})
const done = (output_index: number, item: JsonObject) => ({
  type: "response.output_item.done",
  output_index,
  item,
})
const textDelta = (output_index: number, delta: string, content_index = 0) => ({
  type: "response.output_text.delta",
  output_index,
  content_index,
  delta,
})
const closed = (response: JsonObject = {}) => ({
  type: "response.completed",
  response: { model: "gpt-answered", output: [], ...response },
})
const own = (data: JsonObject) => ({ vendor: { provider: "openai", data } })

test.each([
  ["another response", [added(0, { type: "message", id: "msg", role: "assistant", content: [] })]],
  ["another id", []],
])("a second response within the first, known by %s, is a broken stream", (_, between) => {
  const created = (id: string) => ({ type: "response.created", response: { id } })
  const again = created(between.length > 0 ? "one" : "two")
  expect(() => fold(created("one"), ...between, again)).toThrow(BrokenStreamError)
})

const message = { type: "message", id: "msg", role: "assistant", content: [] }
const contentPart = { type: "response.content_part.added", output_index: 0, content_index: 0 }
const emptySummary = (summary_index: number) => ({
  type: "response.reasoning_summary_part.added",
  output_index: 0,
  summary_index,
})

test("a repeated event about an item is progress once", () => {
  const answer = new ResponseFold("openai")
  const searching = (output_index: number) => ({ type: "response.web_search_call.searching", output_index })
  const advanced = (event: JsonObject) => {
    answer.apply(JSON.stringify(event))
    return answer.progress().advanced ?? false
  }
  expect(advanced(added(0, { type: "web_search_call", id: "ws" }))).toBe(true)
  expect([0, 0, 1, 2].map((index) => advanced(searching(index)))).toEqual([true, false, true, false])
})

test("parts of a summary without text yield no text", () => {
  expect(fold(...[0, 1, 2].map(emptySummary)).deltas).toEqual([])
})

test.each<[string, boolean, readonly JsonObject[]]>([
  ["a repeated state", false, [{ type: "response.in_progress", response: {} }]],
  ["an event of another kind", false, [{ type: "keepalive" }]],
  ["an empty delta", false, [textDelta(0, "")]],
  ["encrypted reasoning", true, [done(0, { type: "reasoning", id: "rs", encrypted_content: "gAAA" })]],
  ["a search by the service", true, [{ type: "response.web_search_call.searching", output_index: 0 }]],
  ["an item without content", false, [added(0, message), contentPart, done(0, message)]],
  ["a summary without text", false, [1, 2].map(emptySummary)],
])("%s is progress: %s", (_, expected, events) => {
  const answer = new ResponseFold("openai")
  for (const event of events) answer.apply(JSON.stringify(event))
  expect(answer.progress().advanced ?? false).toBe(expected)
  expect(answer.progress().advanced).toBeUndefined()
})

test("reasoning, text and calls become parts in the order of their items", () => {
  const reasoning = {
    type: "reasoning",
    id: "rs",
    encrypted_content: "gAAA",
    summary: [
      { type: "summary_text", text: "First." },
      { type: "summary_text", text: "Then." },
    ],
  }
  const summary = (delta: string, summary_index: number) => ({
    type: "response.reasoning_summary_text.delta",
    output_index: 0,
    summary_index,
    delta,
  })
  const call = { type: "function_call", id: "fc", call_id: "call_a", name: "add" }
  const { deltas, end, complete } = fold(
    { type: "response.created", response: { model: "gpt-answered" } },
    added(0, { ...reasoning, encrypted_content: "half", summary: [] }),
    { type: "response.reasoning_summary_part.added", output_index: 0, summary_index: 0 },
    summary("First.", 0),
    { type: "response.reasoning_summary_part.added", output_index: 0, summary_index: 1 },
    summary("Then.", 1),
    done(0, reasoning),
    added(1, { type: "message", id: "msg", role: "assistant", content: [], phase: "commentary" }),
    textDelta(1, "Let me "),
    textDelta(1, "see."),
    done(1, {
      type: "message",
      id: "msg",
      role: "assistant",
      status: "completed",
      phase: "commentary",
      content: [
        { type: "output_text", text: "Let me see.", annotations: [{ type: "url_citation", url: "u" }] },
      ],
    }),
    added(2, { ...call, arguments: "" }),
    { type: "response.function_call_arguments.delta", output_index: 2, delta: '{"a":1}' },
    done(2, { ...call, status: "completed", arguments: '{"a":1}' }),
    closed({
      usage: {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 15 },
      },
    }),
  )
  expect(deltas).toEqual([
    { type: "thinkingDelta", part: 0, text: "First." },
    { type: "thinkingDelta", part: 0, text: "\n\n" },
    { type: "thinkingDelta", part: 0, text: "Then." },
    { type: "textDelta", part: 1, text: "Let me " },
    { type: "textDelta", part: 1, text: "see." },
    { type: "toolInputDelta", part: 2, name: "add", text: '{"a":1}' },
  ])
  expect(complete).toBe(true)
  expect(end).toEqual({
    type: "end",
    model: "gpt-answered",
    stopReason: "toolCalls",
    usage: {
      ...{ inputTokens: 10, outputTokens: 20, cacheReadInputTokens: 60, cacheCreationInputTokens: 30 },
      reasoningTokens: 15,
    },
    content: [
      { type: "thinking", text: "First.\n\nThen.", ...own(reasoning) },
      {
        type: "text",
        text: "Let me see.",
        ...own({
          id: "msg",
          status: "completed",
          phase: "commentary",
          content: { type: "output_text", annotations: [{ type: "url_citation", url: "u" }] },
        }),
      },
      {
        type: "toolCall",
        name: "add",
        input: { a: 1 },
        ...own({ id: "fc", call_id: "call_a", status: "completed" }),
      },
    ],
  })
})

test("text without deltas is shown when its item is done", () => {
  const message = (text: string) => ({ type: "message", id: "m", content: [{ type: "output_text", text }] })
  expect(fold(textDelta(0, "Hel"), done(0, message("Hello"))).deltas).toEqual([
    { type: "textDelta", part: 0, text: "Hel" },
    { type: "textDelta", part: 0, text: "lo" },
  ])
  const output = [message("Hello")]
  expect(fold(closed({ output })).deltas).toEqual([{ type: "textDelta", part: 0, text: "Hello" }])
})

test("reasoning text of an open model is thinking", () => {
  const { deltas, end } = fold(
    { type: "response.reasoning_text.delta", output_index: 0, content_index: 0, delta: "Hm." },
    done(0, {
      type: "reasoning",
      id: "rs",
      summary: [],
      content: [{ type: "reasoning_text", text: "Hm. So." }],
    }),
  )
  expect(deltas.map(({ text }) => text)).toEqual(["Hm.", " So."])
  expect(end.content).toMatchObject([{ type: "thinking", text: "Hm. So." }])
})

test("the provider's own items are kept completely", () => {
  const search = { type: "web_search_call", id: "ws", status: "completed", action: { query: "x" } }
  const { deltas, end } = fold(
    added(0, { type: "web_search_call", id: "ws", status: "in_progress" }),
    { type: "response.web_search_call.searching", output_index: 0 },
    done(0, search),
    textDelta(1, "Found."),
  )
  expect(deltas).toEqual([{ type: "textDelta", part: 1, text: "Found." }])
  expect(end.content[0]).toEqual({ type: "opaque", ...own(search) })
})

test("a refusal is text, and the stop reason", () => {
  const { end } = fold(
    { type: "response.refusal.delta", output_index: 0, content_index: 0, delta: "No." },
    closed(),
  )
  expect(end.content).toEqual([{ type: "text", text: "No.", ...own({ content: { type: "refusal" } }) }])
  expect(end.stopReason).toBe("refusal")
})

test("a truncated call keeps its received arguments", () => {
  const { end } = fold(
    added(0, { type: "function_call", call_id: "c", name: "add", arguments: "" }),
    { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"a":' },
    { type: "response.incomplete", response: { incomplete_details: { reason: "max_output_tokens" } } },
  )
  expect(end.content).toMatchObject([{ type: "toolCall", input: {}, malformedInput: '{"a":' }])
  expect(end.stopReason).toBe("maxTokens")
})

test.each([
  ["max_output_tokens", "maxTokens"],
  ["content_filter", "contentFilter"],
  ["something_new", "end"],
])("a response that is incomplete because of %s stops with %s", (reason, expected) => {
  const event = { type: "response.incomplete", response: { incomplete_details: { reason } } }
  expect(fold(textDelta(0, "Hel"), event).end.stopReason).toBe(expected)
})

test("a stream without its last event is incomplete; a provider without a model name or counts is accepted", () => {
  expect(fold(textDelta(0, "Hel")).complete).toBe(false)
  expect(fold({ type: "response.completed", response: {} }).end).toMatchObject({
    model: "asked-for",
    usage: null,
  })
})

test("unknown events, and an end marker of another API, change nothing", () => {
  const answer = new ResponseFold("openai")
  expect(answer.apply("[DONE]")).toEqual([])
  expect(answer.apply('{"type":"response.something_new"}')).toEqual([])
  expect(answer.end("asked-for").content).toEqual([])
})

test.each([
  { type: "error", error: { code: "server_error", message: "Sorry." } },
  { type: "error", code: "server_error", message: "Sorry.", param: null },
  { type: "response.failed", response: { error: { code: "server_error", message: "Sorry." } } },
])("%j is an error", (event) => {
  expect(() => fold(event)).toThrow("Sorry. (server_error)")
})

test("a call whose item has no arguments uses those of its deltas", () => {
  const call = { type: "function_call", call_id: "c", name: "add" }
  const { end } = fold(
    added(0, call),
    { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"a":1}' },
    done(0, call),
    closed(),
  )
  expect(end.content).toMatchObject([{ type: "toolCall", input: { a: 1 } }])
})

test("a failed response reports its cost", () => {
  const answer = new ResponseFold("openai")
  const usage = { input_tokens: 9, output_tokens: 4 }
  const failed = {
    type: "response.failed",
    response: { error: { code: "server_error", message: "." }, usage },
  }
  expect(() => answer.apply(JSON.stringify(failed))).toThrow(".")
  expect(answer.progress()).toMatchObject({ usage: { inputTokens: 9, outputTokens: 4 } })
})

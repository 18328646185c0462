import { expect, test } from "vitest"
import type { Json, JsonObject } from "../../../../core/json/json.ts"
import type { ModelEnd, ModelEvent } from "../../../../core/ports/model/provider.ts"
import { createChatErrorEvent, formatChatEvent } from "../../../../testing/provider/openai-chat-wire.ts"
import { startScriptedUpstream, type UpstreamStep } from "../../../../testing/provider/scripted-upstream.ts"
import { collectEvents, endOf } from "../fixtures/call.ts"
import { openAiChatProvider } from "../openai-chat-provider.ts"

const done = "data: [DONE]\n\n"
const delta = (value: Json, finish_reason: string | null = null) =>
  formatChatEvent({ choices: [{ index: 0, delta: value, finish_reason }] })
const finish = (reason: string) => delta({}, reason)
/** Returns a chunk with one piece of a call. */
const piece = (call: JsonObject) => delta({ tool_calls: [call] })

/** Starts a server that sends these steps for any request, and resolves to the provider's events. */
async function played(...steps: readonly UpstreamStep[]): Promise<readonly ModelEvent[]> {
  const upstream = await startScriptedUpstream(() => ({ steps }))
  try {
    return await collectEvents(openAiChatProvider({ baseURL: upstream.url }))
  } finally {
    await upstream.close()
  }
}

async function answered(...steps: readonly UpstreamStep[]): Promise<ModelEnd> {
  return endOf(await played(...steps))
}

type Called = readonly [id: string | null, name: string, input: Json]

function callsOf({ content }: ModelEnd): readonly Called[] {
  return content.flatMap((part) =>
    part.type === "toolCall"
      ? [[String(part.vendor?.data.id ?? "") || null, part.name, part.malformedInput ?? part.input] as const]
      : [],
  )
}

const one: Called = ["a", "add", { left: 1 }]
const two: Called = ["b", "add", { left: 2 }]

test.each<[string, readonly string[], readonly Called[]]>([
  [
    "one call in many pieces",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: "" } }),
      piece({ index: 0, function: { arguments: '{"left"' } }),
      piece({ index: 0, function: { arguments: ":1}" } }),
    ],
    [one],
  ],
  [
    "two calls whole in one chunk, without an index",
    [
      delta({
        tool_calls: [
          { id: "a", function: { name: "add", arguments: '{"left":1}' } },
          { id: "b", function: { name: "add", arguments: '{"left":2}' } },
        ],
      }),
    ],
    [one, two],
  ],
  [
    "two calls in pieces by turns",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"le' } }),
      piece({ index: 1, id: "b", function: { name: "add", arguments: '{"left":' } }),
      piece({ index: 0, function: { arguments: 'ft":1}' } }),
      piece({ index: 1, function: { arguments: "2}" } }),
    ],
    [one, two],
  ],
  [
    "two calls of the same index",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":1}' } }),
      piece({ index: 0, id: "b", function: { name: "add", arguments: '{"left":2}' } }),
    ],
    [one, two],
  ],
  [
    "two calls of the same index, without ids",
    [
      piece({ index: 0, function: { name: "add", arguments: '{"left":1}' } }),
      piece({ index: 0, function: { name: "add", arguments: '{"left":2}' } }),
    ],
    [
      [null, "add", { left: 1 }],
      [null, "add", { left: 2 }],
    ],
  ],
  [
    "two calls of the same id",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":1}' } }),
      piece({ index: 1, id: "a", function: { name: "add", arguments: '{"left":2}' } }),
    ],
    [one, ["a", "add", { left: 2 }]],
  ],
  [
    "a new id with every piece",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left"' } }),
      piece({ index: 0, id: "x", function: { arguments: ":" } }),
      piece({ index: 0, id: "y", function: { name: "add", arguments: "1}" } }),
    ],
    [one],
  ],
  [
    "the name with every piece, the last of them empty",
    [
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":' } }),
      piece({ index: 0, id: "a", function: { name: "add", arguments: "1}" } }),
      piece({ index: 0, id: "", function: { name: "add", arguments: "" } }),
    ],
    [one],
  ],
  [
    "neither index nor id, the name first",
    [
      piece({ function: { name: "add" } }),
      piece({ function: { arguments: '{"left":' } }),
      piece({ function: { arguments: "1}" } }),
    ],
    [[null, "add", { left: 1 }]],
  ],
  [
    "an id, but no index, with every piece",
    [
      piece({ id: "a", function: { name: "add", arguments: '{"left":' } }),
      piece({ id: "b", function: { name: "add", arguments: '{"left":' } }),
      piece({ id: "a", function: { arguments: "1}" } }),
      piece({ id: "b", function: { arguments: "2}" } }),
    ],
    [one, two],
  ],
  [
    "an id that comes late",
    [
      piece({ index: 0, function: { name: "add", arguments: "" } }),
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":1}' } }),
    ],
    [one],
  ],
  [
    "arguments that are an object",
    [piece({ id: "a", function: { name: "add", arguments: { left: 1 } } })],
    [one],
  ],
  [
    "two calls without arguments, of the same index",
    [
      piece({ index: 0, id: "a", function: { name: "now", arguments: "" } }),
      piece({ index: 0, id: "b", function: { name: "now", arguments: null } }),
    ],
    [
      ["a", "now", {}],
      ["b", "now", {}],
    ],
  ],
  [
    "pieces of nothing",
    [
      delta({ tool_calls: [null, { index: 0 }] }),
      piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":1}' } }),
      delta({ tool_calls: null }),
    ],
    [one],
  ],
  [
    "arguments that are cut",
    [piece({ id: "a", function: { name: "add", arguments: '{"le' } })],
    [["a", "add", '{"le']],
  ],
])("calls: %s", async (_, chunks, expected) => {
  const end = await answered(...chunks, finish("tool_calls"), done)
  expect(callsOf(end)).toEqual(expected)
  expect(end.stopReason).toBe("toolCalls")
})

const hello = [{ type: "text", text: "Hello" }]
const thought = { type: "thinking", text: "Hm.", vendor: { data: {} } }

test.each<[string, readonly UpstreamStep[], JsonObject]>([
  ["no marker at the end", [delta({ content: "Hello" }), finish("stop")], { content: hello }],
  ["no reason for the end, but the marker", [delta({ content: "Hello" }), done], { content: hello }],
  [
    "a connection that breaks once the reason is there",
    [delta({ content: "Hello" }), finish("stop"), { type: "cut" }],
    { content: hello },
  ],
  [
    "keepalive comments and empty events",
    [
      ": OPENROUTER PROCESSING\n\n",
      "data:\n\n",
      delta({ content: "Hello" }),
      ": ping\n\n",
      finish("stop"),
      done,
    ],
    { content: hello },
  ],
  [
    "a chunk that only has a role, one without choices, one without delta, one with nulls",
    [
      delta({ role: "assistant" }),
      formatChatEvent({ choices: [] }),
      formatChatEvent({ id: "x" }),
      formatChatEvent({ choices: [{ index: 0, delta: null }] }),
      delta({ content: null, reasoning_content: null, tool_calls: null, refusal: null }),
      delta({ content: "Hello" }),
      finish("stop"),
      done,
    ],
    { content: hello },
  ],
  [
    "another choice",
    [
      formatChatEvent({ choices: [{ index: 1, delta: { content: "No" } }] }),
      delta({ content: "Hello" }),
      finish("stop"),
    ],
    { content: hello },
  ],
  ["no usage", [delta({ content: "Hello" }), finish("stop"), done], { usage: null }],
  [
    "usage without counts",
    [delta({ content: "Hello" }), finish("stop"), formatChatEvent({ choices: [], usage: {} }), done],
    { usage: null },
  ],
  [
    "usage in a chunk without choices, after one with a null",
    [
      formatChatEvent({
        choices: [{ index: 0, delta: { content: "Hello" }, finish_reason: "stop" }],
        usage: null,
      }),
      formatChatEvent({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } }),
      done,
    ],
    { usage: { inputTokens: 9, outputTokens: 2, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 } },
  ],
  [
    "usage in the choice, with counts of a cache",
    [
      formatChatEvent({
        choices: [
          {
            index: 0,
            delta: { content: "Hello" },
            finish_reason: "stop",
            usage: { prompt_tokens: 9, completion_tokens: 2, cached_tokens: 4 },
          },
        ],
      }),
    ],
    { usage: { inputTokens: 5, outputTokens: 2, cacheReadInputTokens: 4, cacheCreationInputTokens: 0 } },
  ],
  [
    "reasoning_content",
    [delta({ reasoning_content: "H" }), delta({ reasoning_content: "m.", content: "Hello" }), finish("stop")],
    { content: [thought, ...hello] },
  ],
  [
    "reasoning, and in both fields",
    [
      delta({ reasoning: "H" }),
      delta({ reasoning: "m.", reasoning_content: "m." }),
      delta({ content: "Hello" }),
      finish("stop"),
    ],
    { content: [thought, ...hello] },
  ],
  [
    "reasoning as pieces of the content",
    [
      delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }] }),
      delta({
        content: [
          { type: "thinking", thinking: "." },
          { type: "text", text: "Hello" },
        ],
      }),
      finish("stop"),
    ],
    { content: [thought, ...hello] },
  ],
  [
    "“stop” beside a call",
    [piece({ id: "a", function: { name: "add", arguments: "{}" } }), finish("stop"), done],
    { stopReason: "toolCalls" },
  ],
  [
    "a call that the cap cut",
    [piece({ id: "a", function: { name: "add", arguments: '{"l' } }), finish("length"), done],
    { stopReason: "maxTokens" },
  ],
  ["a refusal", [delta({ refusal: "No." }), finish("stop"), done], { stopReason: "refusal" }],
  [
    "a full context",
    [delta({ content: "Hel" }), finish("model_length"), done],
    { stopReason: "contextFull" },
  ],
  ["a reason that nobody knows", [delta({ content: "Hello" }), finish("eos"), done], { stopReason: "end" }],
  [
    "a model that is not named",
    [formatChatEvent({ model: "", choices: [] }), finish("stop")],
    { model: "gpt-test" },
  ],
])("a response with %s", async (_, steps, expected) => {
  expect(await answered(...steps)).toMatchObject(expected)
})

test.each<[string, readonly string[], string, boolean]>([
  ["an error in place of a chunk", [createChatErrorEvent(502, "Bad gateway")], "upstream_failed", true],
  [
    "an error of a code that is a string",
    [createChatErrorEvent("rate_limit_exceeded", "Slow")],
    "rate_limited",
    true,
  ],
  [
    "an error in a chunk",
    [formatChatEvent({ choices: [], error: { code: 402, message: "Pay" } })],
    "quota_exceeded",
    false,
  ],
  ["an error that is a text", [formatChatEvent({ error: "llama runner has died" })], "upstream_failed", true],
  [
    "an error as vLLM puts it",
    [formatChatEvent({ object: "error", message: "Bad", code: 400 })],
    "invalid_request",
    false,
  ],
  ["an error for a reason", [finish("error"), done], "upstream_failed", true],
  ["no machine left", [finish("insufficient_system_resource")], "overloaded", true],
  [
    "a context that is too small",
    [createChatErrorEvent(400, "exceeds the available context size")],
    "context_too_long",
    false,
  ],
  ["broken JSON", ["data: {oops\n\n"], "upstream_cut", true],
  ["JSON that is no object", ["data: 1\n\n"], "upstream_invalid", false],
  ["an end without a reason", [], "upstream_cut", true],
  ["nothing but the marker", [done], "upstream_cut", true],
])("a failure: %s", async (_, chunks, code, retryable) => {
  const events = await played(delta({ role: "assistant" }), ...chunks)
  expect(events.at(-1)).toMatchObject({ type: "error", code, retryable })
})

test.each([
  ["", "unnamed_call"],
  ["multi_tool_use.parallel", "multi_tool_use_parallel"],
  ["a".repeat(65), "a".repeat(64)],
])("a call of “%s” gets a valid name", async (name, expected) => {
  const end = await answered(piece({ id: "a", function: { name, arguments: "{}" } }), finish("tool_calls"))
  expect(callsOf(end)).toEqual([["a", expected, {}]])
})

test("calls without arguments, indices and ids are separate calls", async () => {
  const calls = (...names: readonly string[]) =>
    names.map((name) => piece({ function: { name, arguments: "" } }))
  expect(callsOf(await answered(...calls("now", "today"), finish("tool_calls")))).toEqual([
    [null, "now", {}],
    [null, "today", {}],
  ])
  expect(callsOf(await answered(...calls("now", "now"), finish("tool_calls")))).toHaveLength(2)
  const together = delta({ tool_calls: [{ function: { name: "now" } }, { function: { name: "today" } }] })
  expect(callsOf(await answered(together, finish("tool_calls")))).toHaveLength(2)
})

test("a call without arguments does not receive those of the next one", async () => {
  const [first, second] = [{ name: "now" }, { name: "add", arguments: '{"a":1}' }]
  const end = await answered(piece({ function: first }), piece({ function: second }), finish("tool_calls"))
  expect(callsOf(end)).toEqual([
    [null, "now", {}],
    [null, "add", { a: 1 }],
  ])
})

test("an interrupted response reports its bytes that were not shown", async () => {
  const counted = formatChatEvent({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } })
  const args = piece({ index: 0, id: "a", function: { name: "add", arguments: '{"left":' } })
  expect((await played(args, counted, finish("error"))).slice(-2)).toMatchObject([
    { type: "progress", hiddenBytes: 8, usage: { inputTokens: 9, outputTokens: 4 } },
    { type: "error", code: "upstream_failed" },
  ])
})

test("a choice without an index is the only one", async () => {
  const choice = (value: JsonObject) => formatChatEvent({ choices: [{ index: null, ...value }] })
  const chunks = [choice({ delta: { content: "Hello" } }), choice({ delta: {}, finish_reason: "stop" })]
  expect(await answered(...chunks, done)).toMatchObject({ content: hello, stopReason: "end" })
})

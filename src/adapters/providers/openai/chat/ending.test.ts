import { expect, test } from "vitest"
import type { Json, JsonObject } from "../../../../core/json/json.ts"
import { formatChatEvent } from "../../../../testing/provider/openai-chat-wire.ts"
import { startScriptedUpstream } from "../../../../testing/provider/scripted-upstream.ts"
import { collectEvents, endOf } from "../fixtures/call.ts"
import { openAiChatProvider } from "../openai-chat-provider.ts"
import { ChatFold } from "./chat-fold.ts"

const delta = (value: Json, finish_reason: string | null = null) =>
  formatChatEvent({ choices: [{ index: 0, delta: value, finish_reason }] })
const finish = (reason: string) => delta({}, reason)
const counted = formatChatEvent({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } })
const never = { type: "wait", until: new Promise(() => {}) } as const

test.each([
  ["its marker", "data: [DONE]\n\n"],
  ["its reason, a moment later, whatever pings come", ": ping\n\n"],
])("a response ends with %s, even if the server keeps the connection open", async (_, last) => {
  const upstream = await startScriptedUpstream(() => ({
    steps: [delta({ content: "Hello" }), finish("stop"), counted, last, never],
  }))
  try {
    expect(endOf(await collectEvents(openAiChatProvider({ baseURL: upstream.url })))).toMatchObject({
      content: [{ type: "text", text: "Hello" }],
      stopReason: "end",
      usage: { outputTokens: 4 },
    })
    expect(await upstream.requests[0]?.outcome).toBe("disconnected")
  } finally {
    await upstream.close()
  }
})

test.each<[string, readonly string[], boolean]>([
  ["a reason behind the text", [delta({ content: "Hello" }), finish("stop")], true],
  ["a count behind the reason", [delta({ content: "Hello" }), finish("stop"), counted], true],
  ["a reason with each piece", [delta({ content: "Hel" }, "stop"), delta({ content: "lo" }, "stop")], false],
  ["a reason before anything", [delta({ role: "assistant" }, "stop")], false],
  ["text behind the reason", [delta({ content: "Hel" }), finish("stop"), delta({ content: "lo" })], false],
  [
    "a call behind the reason",
    [
      delta({ content: "Hello" }),
      finish("stop"),
      delta({ tool_calls: [{ id: "a", function: { name: "add" } }] }),
    ],
    false,
  ],
])("a response ends by %s: %j, %s", (_, chunks, ended) => {
  const fold = new ChatFold("openai-chat")
  for (const chunk of chunks) fold.apply(chunk.replace("data: ", ""))
  expect(fold.ended).toBe(ended)
})

test.each<[string, boolean, JsonObject]>([
  ["an empty delta", false, { content: "" }],
  ["an empty piece of a call", false, { tool_calls: [{ index: 0, function: { arguments: "" } }] }],
  ["an empty block of reasoning", false, { reasoning_details: [{ type: "reasoning.encrypted", data: "" }] }],
  ["encrypted reasoning", true, { reasoning_details: [{ type: "reasoning.encrypted", data: "gAAA" }] }],
  ["a call without arguments", true, { tool_calls: [{ index: 0, id: "a", function: { name: "now" } }] }],
])("%s is progress: %s", (_, expected, sent) => {
  const answer = new ChatFold("openai-chat")
  answer.apply(JSON.stringify({ choices: [{ index: 0, delta: sent, finish_reason: null }] }))
  expect(answer.progress().advanced ?? false).toBe(expected)
})

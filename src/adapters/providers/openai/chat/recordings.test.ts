import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelEnd, StopReason } from "../../../../core/ports/model/provider.ts"
import { formatChatEvent } from "../../../../testing/provider/openai-chat-wire.ts"
import { startScriptedUpstream } from "../../../../testing/provider/scripted-upstream.ts"
import { collectEvents, endOf } from "../fixtures/call.ts"
import { listRecordings, readChunks } from "../fixtures/recordings.ts"
import { openAiChatProvider } from "../openai-chat-provider.ts"

const names = listRecordings("chat__")

interface Recorded {
  readonly model: string
  /** The beginning of the text, and its number of characters. */
  readonly text?: readonly [start: string, length: number]
  readonly thinking?: readonly [start: string, length: number]
  readonly call?: { readonly id: string; readonly name: string; readonly input: JsonObject }
  /** Numbers of tokens: input, output, and read from a cache. */
  readonly usage: readonly [input: number, output: number, cached: number]
  /** Number of reasoning tokens, if the service reports it. */
  readonly reasoning?: number
  readonly stopReason: StopReason
}

const weather = { name: "weather", input: { location: "San Francisco" } }

/** The expected content of the recordings, by the name of the recording. */
const expected: Readonly<Record<string, Recorded>> = {
  "chat__azure-model-router.jsonl": {
    model: "gpt-5-nano-2025-08-07",
    text: ["Capital of Denmark.", 19],
    usage: [15, 78, 0],
    reasoning: 64,
    stopReason: "end",
  },
  "chat__deepseek-reasoning.jsonl": {
    model: "deepseek-reasoner",
    thinking: ["We need to count the number", 606],
    text: ['The word "strawberry"', 42],
    usage: [18, 219, 0],
    reasoning: 205,
    stopReason: "end",
  },
  "chat__deepseek-text.jsonl": {
    model: "deepseek-chat",
    text: ["## **Holiday Name:**", 1855],
    usage: [13, 400, 0],
    stopReason: "maxTokens",
  },
  "chat__deepseek-tool-call.jsonl": {
    model: "deepseek-reasoner",
    thinking: ["The user is asking", 191],
    call: { id: "call_00_ioIn7yN9p1ZOMNpDLwd4MgAF", ...weather },
    usage: [19, 83, 320],
    reasoning: 39,
    stopReason: "toolCalls",
  },
  "chat__mistral-incremental-tool-call.jsonl": {
    model: "zai-glm-5-2",
    call: {
      id: "chatcmpl-tool-9f149c74c42f265b",
      name: "webSearchTool",
      input: { query: "current Berlin weather" },
    },
    usage: [43, 14, 128],
    stopReason: "toolCalls",
  },
  "chat__mistral-reasoning.jsonl": {
    model: "magistral-medium-2507",
    thinking: ["The user is asking for 2+2.", 60],
    text: ["2 + 2 = 4", 9],
    usage: [10, 46, 0],
    stopReason: "end",
  },
  "chat__mistral-text.jsonl": {
    model: "mistral-small-latest",
    text: ["Hello, world!", 38],
    usage: [13, 8, 0],
    stopReason: "end",
  },
  "chat__mistral-tool-call.jsonl": {
    model: "mistral-small-latest",
    call: { id: "gSIMJiOkT", ...weather },
    usage: [124, 22, 0],
    stopReason: "toolCalls",
  },
  "chat__moonshot.jsonl": {
    model: "kimi-k3",
    thinking: ["Thinking aloud. ", 16],
    text: ["Hello!", 6],
    usage: [9, 12, 0],
    reasoning: 7,
    stopReason: "end",
  },
  "chat__openai-text.jsonl": {
    model: "gpt-4.1-nano-2025-04-14",
    text: ["**Holiday Name:** Harmon", 1724],
    usage: [16, 300, 0],
    reasoning: 0,
    stopReason: "end",
  },
  // The completion tokens of this recording do not include the reasoning tokens.
  "chat__xai-text.jsonl": {
    model: "grok-3-mini",
    thinking: ['First, the user said: "S', 1455],
    text: ["Grok", 4],
    usage: [1, 342, 11],
    reasoning: 340,
    stopReason: "end",
  },
  "chat__xai-tool-call.jsonl": {
    model: "grok-3-mini",
    thinking: ["First, the user is askin", 1069],
    call: { id: "call_79382389", ...weather },
    usage: [1, 253, 306],
    reasoning: 227,
    stopReason: "toolCalls",
  },
}

/** Recorded streams of real services, which a local server plays to the real SDK. */
describe.runIf(names.length > 0)("recorded answers", () => {
  test.each(names)("%s", async (name) => {
    const chunks = readChunks(name).map(formatChatEvent)
    const upstream = await startScriptedUpstream(() => ({ steps: [...chunks, "data: [DONE]\n\n"] }))
    try {
      const provider = openAiChatProvider({ baseURL: upstream.url })
      expect(summary(endOf(await collectEvents(provider)), expected[name])).toEqual(expected[name])
    } finally {
      await upstream.close()
    }
  })
})

/** Returns the response in the form of the table, with its texts truncated to the beginnings in the table. */
function summary({ content, model, usage, stopReason }: ModelEnd, recorded: Recorded | undefined): Recorded {
  const text = content.find((part) => part.type === "text")?.text
  const thinking = content.find((part) => part.type === "thinking")?.text
  const call = content.find((part) => part.type === "toolCall")
  return {
    model,
    ...(thinking !== undefined && { thinking: begin(thinking, recorded?.thinking) }),
    ...(text !== undefined && { text: begin(text, recorded?.text) }),
    ...(call && { call: { id: String(call.vendor?.data.id), name: call.name, input: call.input } }),
    usage: [usage?.inputTokens ?? -1, usage?.outputTokens ?? -1, usage?.cacheReadInputTokens ?? -1],
    ...(usage?.reasoningTokens !== undefined && { reasoning: usage.reasoningTokens }),
    stopReason,
  }
}

function begin(text: string, [start] = ["", 0] as readonly [string, number]): readonly [string, number] {
  return [text.slice(0, start.length), text.length]
}

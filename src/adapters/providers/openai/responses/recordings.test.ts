import { describe, expect, test } from "vitest"
import type { Message } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelEvent } from "../../../../core/ports/model/provider.ts"
import { formatResponsesEvent } from "../../../../testing/provider/openai-responses-wire.ts"
import { startScriptedUpstream } from "../../../../testing/provider/scripted-upstream.ts"
import { collectEvents, createResults, endOf, toAssistantMessage } from "../fixtures/call.ts"
import { listRecordings, readChunks } from "../fixtures/recordings.ts"
import { openAiProvider } from "../openai-provider.ts"
import { toInputItems } from "./input-items.ts"

const names = listRecordings("responses__")
const failing = "responses__error.1.jsonl"

/** Recorded streams of the real API, which a local server plays to the real SDK. */
describe.runIf(names.length > 0)("recorded answers", () => {
  const answers = names
    .filter((name) => name !== failing)
    .flatMap((name) => answersOf(readChunks(name)).map((chunks, index) => ({ name, index, chunks })))

  test.each(answers)("$name, response $index: received parts are sent back unchanged", async ({ chunks }) => {
    const end = endOf(await replay(chunks))
    const items = itemsOf(chunks)
    const vendor = end.content[0]?.vendor?.provider ?? ""
    expect(toInputItems([toAssistantMessage(end)], { vendor, stored: true })).toEqual(
      items.map(withoutLogprobs),
    )
    const response = chunks.at(-1)?.response as JsonObject
    const { input_tokens, output_tokens, input_tokens_details, output_tokens_details } =
      response.usage as Record<string, number>
    const { reasoning_tokens } = (output_tokens_details ?? {}) as unknown as Record<string, number>
    const { cached_tokens = 0 } = input_tokens_details as unknown as Record<string, number>
    expect(end.usage).toEqual({
      inputTokens: Number(input_tokens) - cached_tokens,
      outputTokens: output_tokens,
      cacheReadInputTokens: cached_tokens,
      cacheCreationInputTokens: 0,
      ...(reasoning_tokens !== undefined && { reasoningTokens: reasoning_tokens }),
    })
    expect(end.model).toBe(response.model)
    const called = items.some(({ type }) => type === "function_call")
    expect(end.stopReason).toBe(called ? "toolCalls" : "end")
  })

  test("encrypted reasoning is sent back with every further request, before the call that it led to", async () => {
    const answers = answersOf(readChunks("responses__reasoning-encrypted-content.1.jsonl"))
    const upstream = await startScriptedUpstream(
      answers.map((chunks) => ({ steps: chunks.map(formatResponsesEvent) })),
    )
    const provider = openAiProvider({ baseURL: upstream.url })
    const messages: Message[] = []
    try {
      for (const step of answers.keys()) {
        const answer = toAssistantMessage(endOf(await collectEvents(provider, { messages })), step)
        messages.push(answer, createResults(answer, 1))
      }
    } finally {
      await upstream.close()
    }
    const { input } = (upstream.requests.at(-1)?.body ?? {}) as { input: readonly JsonObject[] }
    const items = answers.slice(0, -1).flatMap(itemsOf)
    expect(input.filter(({ type }) => type !== "function_call_output")).toEqual(items)
    expect(items.map(({ type }) => type)).toEqual([
      "reasoning",
      "function_call",
      "function_call",
      "function_call",
    ])
  })

  test("a response after the quota is used up is a permanent failure", async () => {
    const events = await replay(readChunks(failing))
    expect(events.filter(({ type }) => type !== "progress")).toMatchObject([
      { type: "error", code: "quota_exceeded", retryable: false },
    ])
  })
})

/** Returns the chunks of each response, because a recording may contain several calls. */
function answersOf(chunks: readonly JsonObject[]): readonly (readonly JsonObject[])[] {
  const begins = chunks.flatMap(({ type }, index) => (type === "response.created" ? [index] : []))
  return begins.map((begin, call) => chunks.slice(begin, begins[call + 1]))
}

function itemsOf(chunks: readonly JsonObject[]): readonly JsonObject[] {
  return chunks
    .filter(({ type }) => type === "response.output_item.done")
    .map(({ item }) => item as JsonObject)
}

async function replay(chunks: readonly JsonObject[]): Promise<readonly ModelEvent[]> {
  const upstream = await startScriptedUpstream(() => ({ steps: chunks.map(formatResponsesEvent) }))
  try {
    return await collectEvents(openAiProvider({ baseURL: upstream.url }))
  } finally {
    await upstream.close()
  }
}

/** Removes log probabilities. They are empty, because no request asks for them. */
function withoutLogprobs(item: unknown): unknown {
  return JSON.parse(JSON.stringify(item, (name, value) => (name === "logprobs" ? undefined : value)))
}

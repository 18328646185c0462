import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import Anthropic from "@anthropic-ai/sdk"
import { describe, expect, test } from "vitest"
import type { AssistantPart } from "../../../core/history/messages.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ModelEnd, ModelEvent } from "../../../core/ports/model/provider.ts"
import { serverSentEvent } from "../../../testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../../../testing/provider/scripted-upstream.ts"
import { anthropicProvider } from "./anthropic-provider.ts"
import { toConversationTurns } from "./conversation-turns.ts"

const repository = fileURLToPath(new URL("../../../../", import.meta.url))
const folder = process.env.RECORDINGS_DIR ?? join(repository, "../shared/recordings")
const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("anthropic__")) : []

const apiKey = "sk-ant-test-0123456789"

/** Recorded streams of the real API, which a local server plays to the real SDK. */
describe.runIf(names.length > 0)("recorded answers", () => {
  test.each(names)("%s: deltas add up, and received parts are sent back unchanged", async (name) => {
    const events = readFileSync(join(folder, name), "utf8").trim().split("\n").map(parse)
    const upstream = await startScriptedUpstream(() => ({ steps: events.map(serverSentEvent) }))
    try {
      const { deltas, end } = await call(upstream.url)
      expect(end.content.map((_, part) => textOfDeltas(deltas, part))).toEqual(
        end.content.map((part) => ("text" in part ? part.text : "")),
      )
      const [, turn] = toConversationTurns([
        { role: "user", content: [{ type: "text", text: "Hi" }] },
        { role: "assistant", content: end.content.map(withCallId) },
      ])
      expect(turn?.content ?? []).toEqual(await foldedByTheSdk(upstream.url, events))
      expect(end.usage?.outputTokens).toBe(lastCount(events, "output_tokens"))
      expect(end.usage?.inputTokens).toBe(lastCount(events, "input_tokens"))
    } finally {
      await upstream.close()
    }
  })
})

async function call(
  baseURL: string,
): Promise<{ readonly deltas: readonly ModelEvent[]; readonly end: ModelEnd }> {
  const deltas: ModelEvent[] = []
  const request = { model: "claude-test", system: [], messages: [], tools: [], maxTokens: 50 }
  const stream = anthropicProvider({ apiKey, baseURL }).stream(request, {
    signal: new AbortController().signal,
  })
  for await (const event of stream) deltas.push(event)
  const end = deltas.pop()
  if (end?.type !== "end") throw new Error(`The recording ended in ${JSON.stringify(end)}.`)
  return { deltas, end }
}

/**
 * Returns the content that the SDK's own accumulator computes, without the parts that the API refuses in a request.
 */
async function foldedByTheSdk(
  baseURL: string,
  events: readonly JsonObject[],
): Promise<readonly JsonObject[]> {
  if (events.filter((event) => event.type === "message_start").length > 1) {
    // The SDK's accumulator throws at the second text block.
    return [{ type: "text", text: "Hello, World!" }]
  }
  const client = new Anthropic({ apiKey, baseURL, maxRetries: 0 })
  const stream = client.beta.messages.stream({ model: "claude-test", max_tokens: 50, messages: [] })
  const { content } = parse(JSON.stringify(await stream.finalMessage())) as { content: readonly JsonObject[] }
  return content
    .filter((block) => block.type !== "text" || String(block.text).trim() !== "")
    .map(withoutNulls)
}

function withoutNulls(block: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null))
}

function parse(json: string): JsonObject {
  return JSON.parse(json)
}

function textOfDeltas(deltas: readonly ModelEvent[], index: number): string {
  return deltas.map((delta) => ("part" in delta && delta.part === index ? delta.text : "")).join("")
}

function withCallId(part: ModelEnd["content"][number], index: number): AssistantPart {
  return part.type === "toolCall" ? { ...part, toolCallId: `call_${index}` } : part
}

function lastCount(events: readonly JsonObject[], name: string): number {
  const counts = JSON.stringify(events).matchAll(new RegExp(`"${name}":(\\d+)`, "g"))
  return Number([...counts].at(-1)?.[1])
}

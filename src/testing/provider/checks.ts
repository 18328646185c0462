import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import type { AssistantMessage, Message, ModelPart } from "../../core/history/messages.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { ModelEnd, ModelEvent, ModelFailure, ModelRequest } from "../../core/ports/model/provider.ts"
import type { ContractPart, ProviderHarness } from "./harness.ts"

export const hello: Message = { role: "user", content: [{ type: "text", text: "Hello" }] }

export const createText = (...chunks: readonly string[]): ContractPart => ({ type: "text", chunks })

export const call = (id: string, input: JsonObject): ContractPart => {
  const json = JSON.stringify(input)
  return { type: "toolCall", id, name: "add", json: [json.slice(0, 3), json.slice(3)] }
}

type Asked = Partial<Pick<ModelRequest, "messages" | "outputSchema" | "toolInputDeltas" | "traceparent">>

export function open(
  { provider }: ProviderHarness,
  asked: Asked,
  signal: AbortSignal,
): AsyncIterator<ModelEvent> {
  const request: ModelRequest = {
    model: provider.defaultModel,
    system: [{ text: "Be brief.", cache: true }],
    messages: [hello],
    tools: [{ name: "add", description: "Adds.", inputSchema: { type: "object" } }],
    maxTokens: 100,
    ...asked,
  }
  return provider.stream(request, { signal })[Symbol.asyncIterator]()
}

export async function collect(
  harness: ProviderHarness,
  asked: Asked = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<readonly ModelEvent[]> {
  const stream = open(harness, asked, signal)
  const events: ModelEvent[] = []
  for (let next = await stream.next(); !next.done; next = await stream.next()) events.push(next.value)
  return events
}

/** Reads up to the first text. */
export async function readFirstDelta(stream: AsyncIterator<ModelEvent>): Promise<void> {
  let next = await stream.next()
  while (!next.done && next.value.type === "progress") next = await stream.next()
  assert.equal(next.value?.type, "textDelta", JSON.stringify(next.value))
}

/** Asserts that nothing relevant follows. */
export async function assertQuiet(
  stream: AsyncIterator<ModelEvent>,
  pending: Promise<IteratorResult<ModelEvent>>,
): Promise<void> {
  for (let next = await pending; !next.done; next = await stream.next())
    assert.equal(next.value.type, "progress", JSON.stringify(next.value))
}

export function selectDeltas(events: readonly ModelEvent[]): readonly string[] {
  return events.flatMap((event) => ("part" in event ? [event.text] : []))
}

export function endOf(events: readonly ModelEvent[]): ModelEnd {
  const end = events.at(-1)
  assert.equal(end?.type, "end", JSON.stringify(end))
  assertOneLast(events)
  return end as ModelEnd
}

export function requireFailure(events: readonly ModelEvent[], { secrets }: ProviderHarness): ModelFailure {
  const failure = events.at(-1)
  assert.equal(failure?.type, "error", JSON.stringify(failure))
  assertOneLast(events)
  const { message, detail, providerMessage } = failure as ModelFailure
  assert.ok(message.length > 0 && !/https?:/.test(message))
  for (const text of [message, detail, providerMessage])
    for (const secret of secrets) assert.ok(!text?.includes(secret))
  return failure as ModelFailure
}

/** Asserts that the request is canceled soon, and not when the garbage collector finds it. */
export async function assertBrokenOff(harness: ProviderHarness): Promise<void> {
  const tooLate = delay(30_000, "still open after 30 s", { ref: false })
  assert.equal(await Promise.race([harness.disconnected(), tooLate]), true)
}

function assertOneLast(events: readonly ModelEvent[]): void {
  assert.equal(events.filter((event) => event.type === "end" || event.type === "error").length, 1)
}

export function assertDeltasMatch(events: readonly ModelEvent[], { content }: ModelEnd): void {
  for (const [index, part] of content.entries()) {
    if (part.type !== "text" && part.type !== "thinking") continue
    const deltas = events.flatMap((event) => ("part" in event && event.part === index ? [event] : []))
    assert.equal(deltas.map((delta) => delta.text).join(""), part.text)
    assert.ok(deltas.every((delta) => delta.type === `${part.type}Delta`))
  }
}

export function joinTexts(content: readonly ModelPart[]): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join("")
}

export function addCallIds(content: readonly ModelPart[]): AssistantMessage {
  let calls = 0
  return {
    role: "assistant",
    content: content.map((part) =>
      part.type === "toolCall" ? { ...part, toolCallId: `call_${calls++}` } : part,
    ),
  }
}

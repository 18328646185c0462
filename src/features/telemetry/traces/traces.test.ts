import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace"
import { expect, it } from "vitest"
import type { Message } from "../../../core/history/messages.ts"
import type { EndedAttempt, SentAttempt } from "../../../core/ports/observer.ts"
import { createTraces } from "./traces.ts"

async function open({ content = false }: { readonly content?: boolean } = {}) {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const settings = { conventions: "0.1.0", content } as const
  const traces = await createTraces({ settings, redact: [], version: "1", tracerProvider })
  const ended = () => exporter.getFinishedSpans()
  return { traces, observer: traces.observer, ended, names: () => ended().map(({ name }) => name) }
}

const spanIdOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId

const run = { tenant: "t", userId: "u", agent: "a", sessionId: "s", runId: "run", traceparent: null, at: 5 }
const call = { ...run, toolCallId: "call", tool: "look" }
const usage = { inputTokens: 7, outputTokens: 5, cacheReadInputTokens: 3, cacheCreationInputTokens: 2 }

function sent(options: Partial<SentAttempt> = {}): SentAttempt {
  const request = { model: "m", system: [], messages: [], tools: [], maxTokens: 100 }
  const attempt = { stepId: "step", attempt: 1, provider: "openai-chat", model: "m" }
  return { ...run, ...attempt, purpose: "response", request, record() {}, ...options }
}

function ended(options: Partial<EndedAttempt> = {}): EndedAttempt {
  const { request: _, record: __, ...attempt } = sent()
  const times = { durationMs: 9, firstTokenMs: 500, record: null }
  const outcome = { id: "e", usage, cost: 0.5, estimated: false, response: null, code: null, ...times }
  return { ...attempt, ...outcome, stopReason: "toolCalls", ...options }
}

const completed = {
  id: "e",
  server: null,
  outcome: "completed",
  durationMs: 1,
  input: {},
  interruption: null,
  result: { type: "json", value: "seen" },
} as const

it("measures a model attempt with its tokens, its cost and its time to the first token", async () => {
  const { traces, observer, ended: spans } = await open()
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onAttemptSent?.(sent())
  observer.onAttemptEnded?.(ended())
  observer.onExecutionEnded?.({ ...run, outcome: "ended" })
  const [chat, execution] = spans()
  expect(chat?.parentSpanContext?.spanId).toBe(spanIdOf(execution))
  expect(chat?.attributes).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.agent.name": "a",
    "gen_ai.conversation.id": "s",
    "agent_gateway.run.id": "run",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.request.max_tokens": 100,
    "agent_gateway.purpose": "response",
    "agent_gateway.attempt": 1,
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.cache_read.input_tokens": 3,
    "gen_ai.usage.cache_creation.input_tokens": 2,
    "agent_gateway.cost_dollars": 0.5,
    "gen_ai.response.finish_reasons": ["tool_call"],
    "gen_ai.response.time_to_first_chunk": 0.5,
  })
  expect(traces.size).toBe(0)
})

it("ends a tool's span while it asks a question, and links the span of the rest to it", async () => {
  const { traces, observer, ended: spans, names } = await open()
  const wait = { ...call, waitId: "wait", kind: "elicitation" } as const
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onToolCallStarted?.(call)
  observer.onWaitOpened?.({ ...wait, expiresAt: 100 })
  expect(names()).toEqual(["execute_tool look"])
  observer.onWaitResolved?.({ ...wait, openedAt: 5_000, at: 65_000, via: "http", answer: "accept" })
  observer.onToolCallEnded?.({ ...call, ...completed })
  observer.onExecutionEnded?.({ ...run, outcome: "ended" })
  const [before, waited, after, execution] = spans()
  expect(names().slice(1)).toEqual(["wait elicitation", "execute_tool look", "invoke_agent a"])
  expect(after?.links.map(({ context }) => context.spanId)).toEqual([spanIdOf(before)])
  expect([waited, after].map((span) => span?.parentSpanContext?.spanId)).toEqual([
    spanIdOf(execution),
    spanIdOf(execution),
  ])
  expect([waited?.startTime, waited?.endTime]).toEqual([
    [5, 0],
    [65, 0],
  ])
  expect(traces.size).toBe(0)
})

it("starts no span for a call that was denied", async () => {
  const { observer, names } = await open()
  const result = { type: "error", code: "denied", message: "No." } as const
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onToolCallEnded?.({ ...call, ...completed, outcome: "failed", result })
  expect(names()).toEqual([])
})

it("ends everything when the process leaves a run, and the next process measures what was interrupted", async () => {
  const first = await open()
  first.observer.onExecutionStarted?.({ ...run, firstSpan: null })
  const firstSpan = first.traces.traceparentOf("run")
  first.observer.onAttemptSent?.(sent())
  first.observer.onToolCallStarted?.(call)
  first.observer.onExecutionEnded?.({ ...run, outcome: "left" })
  expect(first.names()).toEqual(["chat m", "execute_tool look", "invoke_agent a"])
  expect(first.ended().map(({ attributes }) => attributes["gen_ai.usage.input_tokens"])).toEqual(
    Array.from({ length: 3 }),
  )
  expect(first.ended()[0]?.attributes["error.type"]).toBe("interrupted")
  expect(first.traces.size).toBe(0)

  const next = await open()
  next.observer.onExecutionStarted?.({ ...run, firstSpan })
  next.observer.onAttemptEnded?.(ended({ code: "interrupted", provider: null, durationMs: null }))
  const interruption = { reason: "crashed", outcome: "unknown" } as const
  const interrupted = { ...completed, outcome: "interrupted", result: null, interruption } as const
  next.observer.onToolCallEnded?.({ ...call, ...interrupted })
  next.observer.onExecutionEnded?.({ ...run, outcome: "ended" })
  const [chat, tool, execution] = next.ended()
  expect(chat?.attributes).toMatchObject({ "error.type": "interrupted", "gen_ai.usage.input_tokens": 12 })
  expect(tool?.attributes).toMatchObject({ "error.type": "crashed" })
  expect(execution?.parentSpanContext).toBeUndefined()
  expect(execution?.links.map(({ context }) => context.spanId)).toEqual([firstSpan?.split("-")[2]])
})

it("follows the sampler's decision about the first execution of a run", async () => {
  const { observer, names } = await open()
  const dropped = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
  observer.onExecutionStarted?.({ ...run, firstSpan: dropped })
  observer.onExecutionEnded?.({ ...run, outcome: "ended" })
  expect(names()).toEqual([])
})

it("puts the model attempt of a summary below the compaction", async () => {
  const { observer, ended: spans, names } = await open()
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onAttemptSent?.(sent({ stepId: "cmp", purpose: "summary" }))
  observer.onAttemptEnded?.(ended({ stepId: "cmp", purpose: "summary" }))
  expect(names()).toEqual(["chat m", "compaction"])
  const [chat, compaction] = spans()
  expect(chat?.parentSpanContext?.spanId).toBe(spanIdOf(compaction))
})

it("keeps deliveries of items with the same id in different sessions apart", async () => {
  const { traces, observer, ended: spans } = await open()
  const item = { id: "end", kind: "a/p/report", attempt: 1, traceparent: null }
  observer.onDeliveryStarted?.({ ...item, sessionId: "s1" })
  observer.onDeliveryStarted?.({ ...item, sessionId: "s2" })
  observer.onDeliveryEnded?.({ ...item, sessionId: "s1", outcome: "failed", error: "refused" })
  observer.onDeliveryEnded?.({ ...item, sessionId: "s2", outcome: "left", error: null })
  expect(
    spans().map(({ attributes, status }) => [
      attributes["gen_ai.conversation.id"],
      attributes["agent_gateway.outcome"],
      status.code,
    ]),
  ).toEqual([
    ["s1", "failed", 2],
    ["s2", "left", 0],
  ])
  expect(traces.size).toBe(0)
})

it("tells why a delivery failed only with content, and then masked", async () => {
  const item = { id: "end", kind: "a/p/report", attempt: 1, traceparent: null, sessionId: "s" }
  const texts: (string | undefined)[] = []
  for (const content of [false, true]) {
    const { observer, ended: spans } = await open({ content })
    observer.onDeliveryStarted?.(item)
    observer.onDeliveryEnded?.({ ...item, outcome: "failed", error: "The answer was: password=hunter2" })
    expect(spans()[0]?.attributes["error.type"]).toBe("delivery_failed")
    texts.push(spans()[0]?.status.message)
  }
  expect(texts).toEqual(["delivery_failed", "The answer was: password=[redacted]"])
})

it("ends an open span before another one of the same id starts", async () => {
  const { traces, observer, names } = await open()
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  expect(names()).toEqual(["invoke_agent a"])
  observer.onExecutionEnded?.({ ...run, outcome: "ended" })
  expect(names()).toEqual(["invoke_agent a", "invoke_agent a"])
  expect(traces.size).toBe(0)
})

it("replaces content that is too long by a placeholder", async () => {
  const { observer, ended: spans } = await open({ content: true })
  const long = "x".repeat(64_001)
  const messages: readonly Message[] = [
    { role: "user", content: [{ type: "text", text: long }] },
    { role: "user", content: [{ type: "text", text: "Short." }] },
  ]
  const system = [{ type: "text", text: long }] as const
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onAttemptSent?.(sent({ request: { ...sent().request, system, messages } }))
  observer.onAttemptEnded?.(ended())
  observer.onToolCallStarted?.(call)
  observer.onToolCallEnded?.({ ...call, ...completed, result: { type: "json", value: long } })
  const placeholder = { type: "text", content: "[more than 64000 characters]" }
  const [chat, tool] = spans()
  expect(JSON.parse(String(chat?.attributes["gen_ai.system_instructions"]))).toEqual([placeholder])
  expect(JSON.parse(String(chat?.attributes["gen_ai.input.messages"]))).toEqual([
    { role: "user", parts: [placeholder] },
    { role: "user", parts: [{ type: "text", content: "Short." }] },
  ])
  expect(tool?.attributes["gen_ai.tool.call.result"]).toBe(placeholder.content)
})

it("leaves out the oldest messages of long content", async () => {
  const { observer, ended: spans } = await open({ content: true })
  const messages = Array.from({ length: 5 }, (_, n): Message => {
    return { role: "user", content: [{ type: "text", text: `${n}${"x".repeat(20_000)}` }] }
  })
  observer.onExecutionStarted?.({ ...run, firstSpan: null })
  observer.onAttemptSent?.(sent({ request: { ...sent().request, messages } }))
  observer.onAttemptEnded?.(ended())
  const written = JSON.parse(String(spans()[0]?.attributes["gen_ai.input.messages"])) as {
    parts: { content: string }[]
  }[]
  expect(written.map(({ parts: [part] }) => part?.content[0])).toEqual(["2", "3", "4"])
})

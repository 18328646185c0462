import { trace } from "@opentelemetry/api"
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace"
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import type { Plugin } from "../core/ports/plugin.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { wait } from "../kernel/tools/wait.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const outside = `00-${traceId}-00f067aa0ba902b7-01`

let exporter: InMemorySpanExporter
beforeEach(() => {
  exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  )
})
afterEach(() => trace.disable())

const named = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name)

function only(name: string): ReadableSpan {
  const [span, ...more] = named(name)
  if (span === undefined || more.length > 0)
    throw new Error(`Expected one span ${name}, not ${1 + more.length}.`)
  return span
}

const idOf = (span: ReadableSpan) => span.spanContext().spanId
const traceOf = (span: ReadableSpan) => span.spanContext().traceId
const toTraceparent = (span: ReadableSpan) => `00-${traceOf(span)}-${idOf(span)}-01`

/** Opens an agent that delegates to another one, whose first model fails. Records what the outside receives. */
function setUp({ content = false }: { readonly content?: boolean } = {}) {
  const received: { tool: (string | null)[]; deliveries: (string | null)[] } = { tool: [], deliveries: [] }
  const usage = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 3, cacheCreationInputTokens: 2 }
  const lead = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "delegate", input: { pin: "mellon", to: "worker" } }],
  )
  const overloaded = scriptedProvider(() => [{ type: "failure", code: "overloaded", retryable: false }])
  const worker = scriptedProvider(() => [
    { type: "text", text: "Worked" },
    { type: "end", usage },
  ])
  const delegate = tool({
    name: "delegate",
    description: "Delegates.",
    inputSchema: { type: "object" },
    execute: (_, { answered, traceparent }) => {
      received.tool.push(traceparent)
      return answered === null ? wait.child({ agent: "worker", message: "Work." }) : "delegated"
    },
  })
  const reporting: Plugin = {
    name: "reporting",
    setup: () => ({
      openRun: () => ({
        itemsAtEnd: ({ traceparent = null }) => [{ id: "end", kind: "report", payload: traceparent }],
      }),
      outbox: {
        report: {
          traceparentOf: (payload) => (typeof payload === "string" ? payload : null),
          deliver: (_, { traceparent }) => void received.deliveries.push(traceparent),
        },
      },
    }),
  }
  const gateway = createGateway({
    store: "memory",
    logger,
    redact: ["pin"],
    telemetry: { conventions: "0.1.0", content },
    agents: {
      lead: { systemPrompt: "Lead.", provider: lead, model: "big", tools: [delegate], plugins: [reporting] },
      worker: {
        systemPrompt: "Work.",
        provider: overloaded,
        model: "big",
        fallback: [{ provider: worker, model: "small" }],
      },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, received, requests: { lead: lead.requests, worker: worker.requests } }
}

describe("traces", () => {
  it("of a run with a sub-agent and a fallback are linked, and what leaves the process names its span", async () => {
    const { gateway, received, requests } = setUp()
    const { sessionId, runId } = await gateway.run("Go.", { agent: "lead" })
    await vi.waitFor(() => expect(named("deliver lead/reporting/report")).toHaveLength(1))

    const [first, second] = named("invoke_agent lead")
    if (first === undefined || second === undefined) throw new Error("Expected two executions.")
    expect(first.parentSpanContext).toBeUndefined()
    expect(second.parentSpanContext).toBeUndefined()
    expect(traceOf(second)).not.toBe(traceOf(first))
    expect(second.links.map(({ context }) => context.spanId)).toEqual([idOf(first)])
    expect([first, second].map(({ attributes }) => attributes["agent_gateway.outcome"])).toEqual([
      "waiting",
      "completed",
    ])

    const [called, settled] = named("execute_tool delegate")
    const child = only("invoke_agent worker")
    expect(called?.parentSpanContext?.spanId).toBe(idOf(first))
    expect(settled?.parentSpanContext?.spanId).toBe(idOf(second))
    expect(child.parentSpanContext?.spanId).toBe(called && idOf(called))
    expect(only("wait child").parentSpanContext?.spanId).toBe(idOf(first))
    expect(received.tool).toEqual([called, settled].map((span) => span && toTraceparent(span)))

    const [asked, answered, ...more] = named("chat big").filter(
      ({ parentSpanContext }) => parentSpanContext?.spanId !== idOf(child),
    )
    expect(more).toEqual([])
    expect(requests.lead.map(({ traceparent }) => traceparent)).toEqual(
      [asked, answered].map((span) => span && toTraceparent(span)),
    )
    const fallback = only("chat small")
    expect(fallback.parentSpanContext?.spanId).toBe(idOf(child))
    expect(requests.worker[0]?.traceparent).toBe(toTraceparent(fallback))
    const failed = named("chat big").find((span) => span.attributes["error.type"] !== undefined)
    expect(failed).toMatchObject({
      parentSpanContext: { spanId: idOf(child) },
      attributes: { "error.type": "overloaded" },
      status: { code: 2 },
    })

    const delivery = only("deliver lead/reporting/report")
    expect(delivery.parentSpanContext?.spanId).toBe(idOf(second))
    expect(received.deliveries).toEqual([toTraceparent(delivery)])
    for (const span of [first, second, called, settled, asked, answered]) {
      expect(span?.attributes).toMatchObject({
        "gen_ai.conversation.id": sessionId,
        "gen_ai.agent.name": "lead",
        "agent_gateway.run.id": runId,
      })
    }
  })

  it("count tokens on chat spans only, and input tokens with those of the cache", async () => {
    const { gateway } = setUp()
    await gateway.run("Go.", { agent: "worker" })
    expect(only("chat small").attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "small",
      "gen_ai.usage.input_tokens": 15,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.usage.cache_read.input_tokens": 3,
      "gen_ai.usage.cache_creation.input_tokens": 2,
      "gen_ai.response.finish_reasons": ["stop"],
    })
    const counting = exporter
      .getFinishedSpans()
      .filter(({ attributes }) => Object.keys(attributes).some((name) => name.includes("usage")))
    expect(new Set(counting.map(({ name }) => name))).toEqual(new Set(["chat big", "chat small"]))
  })

  it("continue a trace from outside with all executions of the run", async () => {
    const { gateway } = setUp()
    await gateway.run("Go.", { agent: "lead", traceparent: outside })
    await vi.waitFor(() => expect(named("deliver lead/reporting/report")).toHaveLength(1))
    const spans = exporter.getFinishedSpans()
    expect(new Set(spans.map(traceOf))).toEqual(new Set([traceId]))
    const [first, second] = named("invoke_agent lead")
    expect([first, second].map((span) => span?.parentSpanContext?.spanId)).toEqual([
      "00f067aa0ba902b7",
      "00f067aa0ba902b7",
    ])
    expect(second?.links.map(({ context }) => context.spanId)).toEqual([first && idOf(first)])
  })

  it("contain nothing that anyone said, unless asked, and then masked", async () => {
    const words = /Lead\.|Go\.|Done|mellon|delegated/
    await setUp().gateway.run("Go.", { agent: "lead" })
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["chat big", "execute_tool delegate"]),
    )
    const texts = spans.map(({ name, attributes, status, events, links }) => {
      return { name, attributes, status, events, links: links.map((link) => link.attributes) }
    })
    expect(JSON.stringify(texts)).not.toMatch(words)
    exporter.reset()
    await setUp({ content: true }).gateway.run("Go.", { agent: "lead" })
    const [asked, answered] = named("chat big").filter(({ attributes }) =>
      String(attributes["gen_ai.system_instructions"]).includes("Lead."),
    )
    expect(JSON.parse(String(asked?.attributes["gen_ai.input.messages"]))).toEqual([
      { role: "user", parts: [{ type: "text", content: "Go." }] },
    ])
    const { parts } = JSON.parse(String(asked?.attributes["gen_ai.output.messages"]))[0]
    expect(parts).toMatchObject([{ type: "tool_call", arguments: { pin: "[redacted]", to: "worker" } }])
    expect(JSON.parse(String(answered?.attributes["gen_ai.input.messages"]))).toHaveLength(3)
    const tools = named("execute_tool delegate").map(({ attributes }) => attributes)
    expect(tools.at(-1)).toMatchObject({
      "gen_ai.tool.call.arguments": '{"pin":"[redacted]","to":"worker"}',
      "gen_ai.tool.call.result": "delegated",
    })
  })

  it("are not recorded for a run whose trace the client did not sample", async () => {
    const { gateway } = setUp()
    await gateway.run("Go.", { agent: "worker", traceparent: `00-${traceId}-00f067aa0ba902b7-00` })
    expect(exporter.getFinishedSpans()).toEqual([])
  })
})

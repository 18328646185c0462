import { afterEach, describe, expect, it, onTestFinished } from "vitest"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

interface Line {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

let lines: Line[] = []
const write = (level: string) => (fields: object, message: string) =>
  lines.push({ level, message, ...fields })
const logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") }

afterEach(() => {
  lines = []
})

const input = { type: "object" } as const
const prices = { "scripted-model": { input: 1, output: 5 } }

function agent(options: AgentOptions) {
  const gateway = createAgent("Hi.", { store: "memory", logger, prices, ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

/** A tool that ends when its signal aborts. */
const hang = tool({
  name: "hang",
  description: "Hang.",
  inputSchema: input,
  execute: (_input, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
})

function cancelAt(stop: AbortController): NonNullable<AgentOptions["onEvent"]> {
  return ({ event }) => {
    if (event.type === "toolCallStarted") stop.abort()
  }
}

/** Returns a model that calls the tool once and then responds with "Done.". */
function calling(name: string) {
  return scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done." }]
      : [{ type: "toolCall", name, input: {} }],
  )
}

function named(message: string): readonly Line[] {
  return lines.filter((line) => line.message.startsWith(message))
}

describe("the log", () => {
  it("has one line for the end of each run, with its cost and its duration", async () => {
    const gateway = agent({ provider: scriptedProvider([[{ type: "text", text: "Hi." }]]) })
    const { runId, sessionId, cost, usage } = await gateway.run("Hi")
    expect(named("A run")).toEqual([
      {
        level: "info",
        message: "A run ended.",
        runId,
        sessionId,
        outcome: "completed",
        durationMs: expect.any(Number),
        turns: 1,
        usage,
        cost,
      },
    ])
  })

  it("has one line for a call that throws, with its ids, its duration, and the consequence", async () => {
    const fail = tool({
      name: "fail",
      description: "Fail.",
      inputSchema: input,
      execute: () => {
        throw new Error("no such table")
      },
    })
    const gateway = agent({ provider: calling("fail"), tools: [fail] })
    const { runId, sessionId } = await gateway.run("Fail.")
    expect(named("A tool call")).toEqual([
      {
        level: "warn",
        message: "A tool call failed. The model receives the error.",
        runId,
        sessionId,
        toolCallId: expect.stringMatching(/^call_/),
        tool: "fail",
        durationMs: expect.any(Number),
        code: "tool_failed",
        problem: "no such table",
      },
    ])
  })

  it("has one line for a call that takes too long", async () => {
    await agent({ provider: calling("hang"), tools: [hang], toolTimeoutMs: 50 }).run("Hang.")
    expect(named("A tool call")).toMatchObject([{ level: "warn", tool: "hang", code: "timeout" }])
  })

  it("has one line for each failed model call, with the run and the consequence", async () => {
    const overloaded = { type: "failure", code: "overloaded", retryable: true } as const
    const provider = scriptedProvider([[overloaded], [overloaded]])
    const { runId } = await agent({ provider, maxRetries: 1 }).run("Hi")
    expect(named("A model call failed.")).toMatchObject([
      { message: "A model call failed. It is retried.", runId, attempt: 1, retryInMs: expect.any(Number) },
      { message: "A model call failed. The run ends.", runId, attempt: 2, code: "overloaded" },
    ])
    expect(named("A run failed.")).toMatchObject([{ level: "warn", runId, code: "overloaded" }])
  })

  it("records each approval request and its outcome", async () => {
    const pay = tool({
      name: "pay",
      description: "Pay.",
      inputSchema: input,
      needsApproval: true,
      execute: () => null,
    })
    await agent({ provider: calling("pay"), tools: [pay] }).run("Pay.", {
      onApproval: async () => ({ approved: true }),
    })
    expect(named("A tool call waits for approval.")).toMatchObject([
      { tool: "pay", expiresAt: expect.stringMatching(/Z$/) },
    ])
    expect(named("An approval was resolved.")).toMatchObject([{ approved: true, via: "code" }])
    expect(named("A tool call completed.")).toMatchObject([{ tool: "pay", level: "info" }])
  })

  it("records that a run was canceled", async () => {
    const stop = new AbortController()
    const gateway = agent({ provider: calling("hang"), tools: [hang], onEvent: cancelAt(stop) })
    await gateway.run("Hang.", { signal: stop.signal })
    expect(named("A tool call was interrupted.")).toMatchObject([{ reason: "cancelled", outcome: "unknown" }])
    expect(named("A run ended.")).toMatchObject([{ outcome: "interrupted", reason: "cancelled" }])
  })

  it("has no stack for requests that a stopping gateway refuses", async () => {
    const started = Promise.withResolvers<void>()
    const gateway = agent({
      provider: calling("hang"),
      tools: [hang],
      validApiKeys: ["0123456789abcdef"],
      onEvent: ({ event }) => void (event.type === "toolCallStarted" && started.resolve()),
    })
    gateway.run("Hang.").catch(() => undefined)
    await started.promise
    const closing = gateway.close({ graceMs: 500 })
    await new Promise(setImmediate)
    const refused = await gateway.fetch(
      new Request("http://localhost/api/chat/init", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ api_key: "0123456789abcdef" }),
      }),
    )
    await closing
    expect(refused.status).toBe(503)
    expect(lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([])
  })
})

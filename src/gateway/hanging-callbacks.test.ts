import { afterEach, describe, expect, it, vi } from "vitest"
import { z } from "zod"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import type { ChatModelRuntime } from "./agent/chat-runtime.ts"
import { createGatewayApp, type GatewayAppOptions } from "./create-gateway-app.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const gateways: Gateway[] = []

afterEach(async () => {
  vi.clearAllMocks()
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close({ graceMs: 0 })))
})

/** Returns a function that never returns, and promises for its call and for the abort of its signal. */
function hanging() {
  const called = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const hang = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => stopped.resolve(), { once: true })
    called.resolve()
    return new Promise<never>(() => {})
  }
  return { hang, called: called.promise, stopped: stopped.promise }
}

type Hang = ReturnType<typeof hanging>["hang"]

const input = { type: "object" } as const
// The validator of this tool returns at once. A JSON Schema would be checked in a thread, which must start first.
const plain = tool({ name: "act", description: "Act.", inputSchema: z.object({}), execute: () => null })

/** Options that lead a run to the hanging function. */
const callbacks: Readonly<Record<string, (hang: Hang) => Partial<GatewayAppOptions>>> = {
  "an interceptor": (hang) => ({
    buildChatRuntime: runtime({ interceptors: [({ signal }) => hang(signal)] }),
  }),
  needsApproval: (hang) => ({
    buildChatRuntime: runtime({ needsApproval: ({ signal }) => hang(signal) }),
  }),
  "a tool's approval policy": (hang) => ({
    buildChatRuntime: runtime({ tools: [{ ...plain, needsApproval: ({ signal }) => hang(signal) }] }),
  }),
  buildChatRuntime: (hang) => ({ buildChatRuntime: ({ signal }) => hang(signal) }),
  resolveCredentials: (hang) => ({
    resolveCredentials: (_session, { signal }) => hang(signal),
    validApiKeys: ["key"],
  }),
}

function runtime(options: Partial<ChatModelRuntime>): ChatModelRuntime {
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done." }]
      : [{ type: "toolCall", name: "act", input: {} }],
  )
  return { systemPrompt: "Hi.", provider, tools: [plain], ...options }
}

function start(options: Partial<GatewayAppOptions>): Gateway {
  const defaults = { store: "memory", logger, buildChatRuntime: runtime({}), apiKey: "sk-test" }
  const gateway = createGatewayApp({ ...defaults, ...options })
  gateways.push(gateway)
  return gateway
}

describe.each(Object.entries(callbacks))("%s that never returns", (_name, optionsFor) => {
  it("does not delay a cancel", async () => {
    const { hang, called, stopped } = hanging()
    const stop = new AbortController()
    const run = start(optionsFor(hang)).run("Act.", { signal: stop.signal })
    await called
    stop.abort()
    expect(await run).toMatchObject({ outcome: "interrupted", reason: "cancelled" })
    await stopped
  })

  it("does not delay the end of the gateway", async () => {
    const { hang, called, stopped } = hanging()
    const gateway = start(optionsFor(hang))
    const run = gateway.run("Act.")
    const left = expect(run).rejects.toMatchObject({ code: "shutting_down" })
    await called
    await gateway.close({ graceMs: 50 })
    await Promise.all([left, stopped])
  })

  it("fails after its time limit, and other runs continue meanwhile", async () => {
    const { hang, called, stopped } = hanging()
    const gateway = start({ ...optionsFor(hang), callbackTimeoutMs: 200 })
    const results = [gateway.run("Act."), gateway.run("Act.")]
    await Promise.all([called, stopped])
    for (const { outcome, error } of await Promise.all(results)) {
      // A policy that fails denies its call. An agent that cannot be set up ends its run.
      expect([outcome, error?.code]).toBeOneOf([
        ["completed", undefined],
        ["failed", "runtime_failed"],
      ])
    }
    const reasons = logger.error.mock.calls.map(([{ error }]) => (error as Error | undefined)?.message)
    expect(reasons).toContainEqual(
      expect.stringContaining("did not return within 200 ms (callbackTimeoutMs)"),
    )
  })
})

describe("a validator that never returns", () => {
  function hangingValidator() {
    const asked = Promise.withResolvers<void>()
    const schema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          asked.resolve()
          return new Promise<never>(() => {})
        },
        jsonSchema: { input: () => input },
      },
    } as const
    const act = tool({ name: "act", description: "Act.", inputSchema: schema, execute: () => null })
    return { options: { buildChatRuntime: runtime({ tools: [act] }) }, asked: asked.promise }
  }

  it("does not delay a cancel", async () => {
    const { options, asked } = hangingValidator()
    const stop = new AbortController()
    const run = start(options).run("Act.", { signal: stop.signal })
    await asked
    stop.abort()
    expect(await run).toMatchObject({ outcome: "interrupted", reason: "cancelled" })
  })

  it("does not delay the end of the gateway", async () => {
    const { options, asked } = hangingValidator()
    const gateway = start(options)
    const left = expect(gateway.run("Act.")).rejects.toMatchObject({ code: "shutting_down" })
    await asked
    await gateway.close({ graceMs: 50 })
    await left
  })

  it("fails the call after the time limit", async () => {
    const gateway = start({ ...hangingValidator().options, callbackTimeoutMs: 100 })
    expect(await gateway.run("Act.")).toMatchObject({ outcome: "completed", response: "Done." })
  })
})

describe("a hook that never returns", () => {
  it("delays neither a session's start, nor a run, nor the end of the gateway", async () => {
    const { hang } = hanging()
    const gateway = start({
      validApiKeys: ["key"],
      callbackTimeoutMs: 100,
      onSessionCreated: (_session, { signal }) => hang(signal),
      onEvent: (_entry, { signal }) => hang(signal),
      onShutdown: ({ signal }) => hang(signal),
    })
    const init = await gateway.fetch(
      new Request("http://localhost/api/chat/init", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ api_key: "key" }),
      }),
    )
    expect(init.status).toBe(200)
    expect(await gateway.run("Act.")).toMatchObject({ outcome: "completed" })
    await gateway.close({ graceMs: 0 })
  })

  it("does not delay the end of a gateway that is still starting", async () => {
    const { hang, called, stopped } = hanging()
    const gateway = start({ onStartup: ({ signal }) => hang(signal) })
    const prepared = expect(gateway.prepare()).rejects.toMatchObject({ code: "shutting_down" })
    await called
    await gateway.close()
    await Promise.all([prepared, stopped])
  })
})

it("a run ends if the application's logger throws", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined)
  const fail = () => {
    throw new Error("full disk")
  }
  const provider = scriptedProvider(() => {
    throw new Error("no model")
  })
  const gateway = createGatewayApp({
    store: "memory",
    logger: { debug: fail, info: fail, warn: fail, error: fail },
    buildChatRuntime: () => ({ systemPrompt: "", provider }),
  })
  gateways.push(gateway)
  expect(await gateway.run("Hi.")).toMatchObject({ outcome: "failed" })
  expect(warn).toHaveBeenCalledOnce()
  warn.mockRestore()
})

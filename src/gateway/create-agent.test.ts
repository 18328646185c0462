import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { z } from "zod"
import { startLocalServer } from "../adapters/providers/choose/fixtures/local-server.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Provider } from "../core/ports/model/provider.ts"
import type { StoreParts } from "../core/ports/store/store.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import { createGatewayApp } from "./create-gateway-app.ts"
import type { Gateway } from "./gateway.ts"
import { memoryStore } from "./service/open-store.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const say = (text: string) => ({ type: "text", text }) as const
const noModel = { OLLAMA_BASE_URL: "http://127.0.0.1:1/v1" }
const quiet = { store: "memory", logger } as const

const echo = tool({ name: "echo", description: "Echo.", inputSchema: { type: "object" }, execute: () => 1 })
const prices = { "scripted-model": { input: 1, output: 5 } }

/** A provider whose SDK is not installed. */
const uninstalled: Provider = {
  ...scriptedProvider([]),
  prepare: () => Promise.reject(new ConfigurationError("Install it.")),
}

const gateways: Gateway[] = []
function use(gateway: Gateway): Gateway {
  gateways.push(gateway)
  return gateway
}
afterEach(async () => {
  vi.clearAllMocks()
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

async function post(gateway: Gateway, path: string, body: unknown, token?: string): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return gateway.fetch(
    new Request(`http://gateway${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
  )
}

async function tokenOf(gateway: Gateway): Promise<string> {
  const response = await post(gateway, "/api/chat/init", { api_key: "key" })
  return ((await response.json()) as { session_token: string }).session_token
}

describe("createAgent", () => {
  it.each([
    [{ maxTurn: 3 }, "unknown option maxTurn"],
    [{ maxTurns: 0 }, "maxTurns: must be greater than 0"],
    [{ validApiKeys: ["a", ""] }, "validApiKeys[1]: is empty"],
    [{ corsAllowHeaders: ["x tenant"] }, "corsAllowHeaders[0]: expected the name of a header"],
    [{ corsAllowMethods: ["TRACE"] }, "corsAllowMethods[0]: "],
    [{ mcpStripInputFields: "tenant" }, "mcpStripInputFields: "],
    [{ sessionTtlSeconds: "1" }, "sessionTtlSeconds: expected number, received string"],
    [{ tools: "search" }, "tools: "],
    [{ tools: [{ name: "search", execute: () => 1 }] }, "tools[0]: expected a tool, as tool() makes it"],
    [{ tools: [null, echo, echo] }, "tools[0]: expected a tool, as tool() makes it"],
    [
      { tools: [echo, echo] },
      'createAgent: tools: two tools are named "echo". Rename one of them, or remove it.',
    ],
    [
      { store: "mysql://db/agents" },
      'store: expected "memory", a path with a slash or a dot, a postgres:// URL, or a store such as sqliteStore(path)',
    ],
    [{ store: "Postgres://db/agents" }, "store: expected"],
    [{ onUsage: true }, "onUsage: expected a function"],
    [{ limits: { bodyBytes: 1, chatBytes: 1 } }, "unknown option limits.chatBytes"],
    [{ name: "my agent" }, "name: expected"],
    [{ provider: "openia" }, "provider: "],
    [{ maxBudgetUsd: "1" }, "maxBudgetUsd: "],
    [{ toolTimeoutMs: 2 ** 31 }, "toolTimeoutMs: "],
    [{ approvalTimeoutSeconds: 1e13 }, "approvalTimeoutSeconds: "],
  ])("refuses %j, naming the option", (options, message) => {
    expect(() => createAgent("Hi.", options as never)).toThrow(message)
  })

  it.each([
    [undefined, "systemPrompt: expected a string or an array"],
    [["Hi."], "systemPrompt: expected a string or an array"],
    [[{ text: "Hi.", cached: true }], "unknown option systemPrompt[0].cached"],
  ])("refuses %j as a prompt", (prompt, message) => {
    expect(() => createAgent(prompt as never)).toThrow(message)
  })

  it("opens nothing before its first use, and can be closed unused", async () => {
    await createAgent("Hi.", { store: "/proc/nowhere" }).close()
  })

  it.each<[string, AgentOptions]>([
    ["set OPENAI_API_KEY", { fallback: ["openai"] }],
    ["Install it", { provider: uninstalled }],
    ["Install it", { fallback: [uninstalled] }],
    ["the directory /proc/data cannot be used: E", { codeExecution: { directory: "/proc/data" } }],
    ["option prices", { maxBudgetUsd: 1 }],
    ['"large"', { maxBudgetUsd: 1, prices, allowedModels: ["scripted-model", "large"] }],
  ])("does not start if every run would fail: %s", async (message, options) => {
    const gateway = use(createAgent("Hi.", { ...quiet, provider: scriptedProvider([]), ...options }))
    await expect(gateway.prepare({ env: noModel })).rejects.toThrow(message)
  })

  it("does not start without the SDK of the provider for runtimes that name none", async () => {
    const buildChatRuntime = () => ({ systemPrompt: "Hi." })
    const gateway = use(createGatewayApp({ ...quiet, defaultProvider: uninstalled, buildChatRuntime }))
    await expect(gateway.readiness()).rejects.toThrow("Install it")
  })

  it("ends a run with a budget before it calls a client's model of unknown price", async () => {
    const provider = { ...scriptedProvider([]), priceList: "openai", defaultModel: "gpt-5" }
    const gateway = use(createAgent("Hi.", { ...quiet, provider, maxBudgetUsd: 1 }))
    const token = await tokenOf(gateway)
    const chat = await post(gateway, "/api/chat", { message: "Hi", model: "gpt-unheard-of" }, token)
    expect(await chat.text()).toContain('"code":"price_unknown"')
    expect(provider.requests).toEqual([])
  })

  it("passes prompt, model, tools and limits to the model", async () => {
    const provider = scriptedProvider([[say("Hello")]])
    const options = { provider, model: "large", maxTokens: 7, tools: [echo] }
    const gateway = use(createAgent([{ text: "Be brief.", cache: true }], { ...quiet, ...options }))
    await gateway.run("Hi")
    expect(provider.requests[0]).toMatchObject({
      model: "large",
      maxTokens: 7,
      system: [{ text: "Be brief.", cache: true }],
      tools: [{ name: "echo" }],
    })
  })
})

describe("gateway.run", () => {
  it("streams the text and returns the result", async () => {
    const gateway = use(
      createAgent("Hi.", { ...quiet, provider: scriptedProvider([[say("Hel"), say("lo")]]) }),
    )
    const seen: string[] = []
    const result = await gateway.run("Hi", { onText: (text) => seen.push(text) })
    expect(seen.join("")).toBe("Hello")
    expect(result).toMatchObject({ response: "Hello", outcome: "completed", toolsUsed: [], error: null })
  })

  it("returns the parsed output, its cost and its model", async () => {
    const usage = {
      inputTokens: 1_000,
      outputTokens: 200,
      cacheCreationInputTokens: 0,
      cacheReadInputTokens: 0,
    }
    const provider = scriptedProvider([
      [say('{"day":"2026-01-31"}'), { type: "end", usage, model: "scripted-2" }],
    ])
    const gateway = use(createAgent("Hi.", { ...quiet, provider, prices }))
    const output = z.object({ day: z.iso.date().transform((day) => new Date(day)) })
    const result = await gateway.run("When?", { output })
    expect(result.output?.day.getUTCDate()).toBe(31)
    expect(result).toMatchObject({ outcome: "completed", cost: 0.002, model: "scripted-2" })
    expect(provider.requests[0]?.outputSchema).toMatchObject({ properties: { day: { type: "string" } } })
  })

  it("fails for output that only the schema itself can refuse", async () => {
    const gateway = use(
      createAgent("Hi.", { ...quiet, provider: scriptedProvider([[say('{"from":2,"to":1}')]]) }),
    )
    const span = z
      .object({ from: z.number(), to: z.number() })
      .refine(({ from, to }) => from <= to, "is no span")
    expect(await gateway.run("From when to when?", { output: span })).toMatchObject({
      outcome: "failed",
      output: null,
      error: { code: "output_invalid", message: expect.stringContaining("is no span") },
    })
  })

  it("refuses a schema that is not for an object before it starts a run", async () => {
    const gateway = use(createAgent("Hi.", { ...quiet, provider: scriptedProvider([]) }))
    await expect(gateway.run("Hi", { output: z.string() })).rejects.toThrow(
      "run: the output must be an object schema",
    )
  })

  it("cancels the run when it is aborted", async () => {
    const provider = scriptedProvider([[say("Half"), { type: "wait", until: new Promise(() => {}) }]])
    const gateway = use(createAgent("Hi.", { ...quiet, provider }))
    const stop = new AbortController()
    const running = gateway.run("Hi", { signal: stop.signal, onText: () => stop.abort() })
    expect(await running).toMatchObject({ outcome: "interrupted", reason: "cancelled", response: "Half" })
  })

  it("is refused after close", async () => {
    const gateway = createAgent("Hi.", quiet)
    await gateway.close()
    await expect(gateway.run("Hi")).rejects.toMatchObject({ code: "shutting_down" })
  })
})

describe("a gateway's life", () => {
  it("refuses to start without a model if mode is `start`", async () => {
    const gateway = use(createAgent("Hi.", quiet))
    await expect(gateway.prepare({ mode: "start", env: {} })).rejects.toThrow(
      "No model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY",
    )
    await gateway.prepare({ mode: "dev", env: noModel })
  })

  it("reports a guessed model for an agent without its own model, and not for one with a model", async () => {
    const guessed = "No model is configured. The offline demo responds instead."
    await use(createAgent("Hi.", quiet)).prepare({ env: noModel })
    expect(logger.warn).toHaveBeenCalledWith({}, guessed)
    logger.warn.mockClear()
    const own = use(createGatewayApp({ ...quiet, buildChatRuntime: { async *runner() {} } }))
    await own.prepare({ env: noModel })
    expect(logger.warn).not.toHaveBeenCalledWith({}, guessed)
  })

  it("names the guessed model and its address", async () => {
    const server = await startLocalServer('{"data":[{"id":"llama4"}]}')
    onTestFinished(() => server.close())
    // Retries while the machine is too busy to detect the local server in time.
    const told = async () => {
      await use(createAgent("Hi.", quiet)).prepare({ env: { OLLAMA_BASE_URL: server.url } })
      return logger.warn.mock.calls
    }
    const guessed = [{ server: server.url, model: "llama4" }, expect.any(String)]
    await expect.poll(told).toContainEqual(guessed)
  })

  it("retries to open after a failed start", async () => {
    const onStartup = vi.fn().mockRejectedValueOnce(new Error("not yet"))
    const gateway = use(createAgent("Hi.", { ...quiet, provider: "demo", onStartup }))
    await expect(gateway.prepare()).rejects.toThrow("not yet")
    await gateway.prepare()
    expect(onStartup).toHaveBeenCalledTimes(2)
  })

  it("reports the error of its start, and calls onShutdown, even if its store cannot close", async () => {
    const memory = memoryStore()
    const close = () => Promise.reject(new Error("stuck"))
    const store = { open: async (parts: StoreParts) => ({ ...(await memory.open(parts)), close }) }
    const onStartup = vi.fn().mockRejectedValueOnce(new Error("not yet"))
    const onShutdown = vi.fn()
    const gateway = createAgent("Hi.", { ...quiet, store, provider: "demo", onStartup, onShutdown })
    await expect(gateway.prepare()).rejects.toThrow("not yet")
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(
      { error: expect.objectContaining({ message: "stuck" }) },
      expect.stringContaining("could not close all its parts"),
    )
    await gateway.prepare()
    await expect(gateway.close()).rejects.toThrow("stuck")
    expect(onShutdown).toHaveBeenCalledOnce()
  })

  it("answers 503 while it closes, and interrupts open streams when what runs is parked", async () => {
    const provider = scriptedProvider([[say("Half"), { type: "wait", until: new Promise(() => {}) }]])
    const gateway = createAgent("Hi.", { ...quiet, provider })
    const token = await tokenOf(gateway)
    const chat = await post(gateway, "/api/chat", { message: "Hi" }, token)
    const reading = chat.text()
    const interrupted = expect(reading).rejects.toThrow("The stream was interrupted: shutdown")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1))
    const closing = gateway.close({ graceMs: 50 })
    expect(
      (await gateway.fetch(new Request("http://gateway/api/ready")).catch((error) => error)).status,
    ).toBe(503)
    await closing
    await interrupted
  })

  it("calls onSessionCreated and onShutdown", async () => {
    const onSessionCreated = vi.fn()
    const onShutdown = vi.fn()
    const gateway = createAgent("Hi.", { ...quiet, provider: "demo", onSessionCreated, onShutdown })
    await tokenOf(gateway)
    await gateway.close()
    expect(onSessionCreated).toHaveBeenCalledWith(
      expect.objectContaining({ tenant: expect.stringMatching(/^key_/) }),
      { signal: expect.any(AbortSignal) },
    )
    expect(onShutdown).toHaveBeenCalledOnce()
  })
})

describe("createGatewayApp", () => {
  it("builds each run's runtime by channel, with the request at hand", async () => {
    const provider = scriptedProvider(() => [say("Hello")])
    const seen: unknown[] = []
    const profiles = { web: "Answer at length.", sms: "Answer in ten words." }
    const gateway = use(
      createGatewayApp({
        ...quiet,
        defaultProvider: provider,
        buildChatRuntime: ({ channel, reason, request, context }) => {
          seen.push({ channel, reason, tenant: request?.headers.get("x-tenant"), context })
          return { systemPrompt: channel === "sms" ? profiles.sms : profiles.web }
        },
      }),
    )
    const token = await tokenOf(gateway)
    const body = JSON.stringify({ message: "Hi", context: { channel: "sms", page: 7 } })
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      "x-tenant": "acme",
    }
    const response = await gateway.fetch(
      new Request("http://gateway/api/chat", { method: "POST", headers, body }),
    )
    expect(await response.text()).toContain("stream_complete")
    expect(provider.requests[0]?.system).toEqual([{ text: "Answer in ten words.", cache: true }])
    expect(seen).toEqual([
      { channel: "sms", reason: "new", tenant: "acme", context: { channel: "sms", page: 7 } },
    ])
  })

  it("runs a custom runner behind the same API", async () => {
    const gateway = use(
      createGatewayApp({
        ...quiet,
        buildChatRuntime: () => ({
          runner: async function* ({ messages }) {
            yield { type: "text", text: `You said ${messages.length} thing.` }
          },
        }),
      }),
    )
    const token = await tokenOf(gateway)
    const chat = await post(gateway, "/api/chat", { message: "Hi" }, token)
    expect(await chat.text()).toContain('"text":"You said 1 thing."')
  })

  it("ends a run in an error, and logs the reason, when its runtime has an unknown option", async () => {
    const runtime = { systemPrompt: "Hi.", needApproval: () => true }
    const gateway = use(createGatewayApp({ ...quiet, buildChatRuntime: () => runtime }))
    expect(await gateway.run("Hi")).toMatchObject({ outcome: "failed", error: { code: "runtime_failed" } })
    const error = expect.objectContaining({
      message: "buildChatRuntime: unknown option needApproval (did you mean needsApproval?)",
    })
    expect(logger.error).toHaveBeenCalledWith(expect.objectContaining({ error }), expect.any(String))
  })

  it("may start without its own model, and then only runs that need one fail", async () => {
    const gateway = use(
      createGatewayApp({
        ...quiet,
        buildChatRuntime: ({ channel }) =>
          channel === "own"
            ? { systemPrompt: "Hi.", provider: scriptedProvider([[say("Hello")]]) }
            : { systemPrompt: "Hi." },
      }),
    )
    await gateway.prepare({ mode: "start", env: {} })
    const chat = async (channel: string) => {
      const response = await post(
        gateway,
        "/api/chat",
        { message: "Hi", context: { channel } },
        await tokenOf(gateway),
      )
      return response.text()
    }
    expect(await chat("own")).toContain("stream_complete")
    expect(await chat("other")).toContain('"code":"runtime_failed"')
  })

  it("lets a run choose its provider by name", async () => {
    const gateway = use(
      createGatewayApp({
        ...quiet,
        defaultProvider: scriptedProvider([]),
        buildChatRuntime: () => ({ systemPrompt: "Hi.", provider: "demo" }),
      }),
    )
    expect(await gateway.run("Hello!")).toMatchObject({ model: "demo", cost: 0, outcome: "completed" })
  })

  it("refuses unknown options", () => {
    expect(() => createGatewayApp({ buildRuntime: () => ({}) } as never)).toThrow(
      "unknown option buildRuntime",
    )
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { z } from "zod"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Event, EventEntry } from "../../core/log/entries.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { EventPage } from "../../core/ports/store/subscriptions.ts"
import { systemClock } from "../../core/time/clock.ts"
import { tool } from "../../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import type { ChatRuntime } from "../agent/chat-runtime.ts"
import { createGatewayApp, type GatewayAppOptions } from "../create-gateway-app.ts"
import type { Gateway } from "../gateway.ts"
import { createHookSubscribers } from "./hook-subscribers.ts"
import type { Hooks } from "./hooks.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const patience = { interval: 5 }
const gateways: Gateway[] = []
let store: Store

beforeEach(async () => {
  store = await openMemoryStore({ clock: systemClock, logger })
})
afterEach(async () => {
  vi.clearAllMocks()
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close({ graceMs: 0 })))
  await store.close()
})

const act = tool({
  name: "act",
  description: "Act.",
  inputSchema: z.object({ n: z.int() }),
  execute: () => "done",
})

function runtime(options: Partial<ChatRuntime> = {}): ChatRuntime {
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done." }]
      : [{ type: "toolCall", name: "act", input: { n: 1 } }],
  )
  return { systemPrompt: "Hi.", provider, tools: [act], ...options } as ChatRuntime
}

function start(options: Partial<GatewayAppOptions>): Gateway {
  const gateway = createGatewayApp({
    store,
    logger,
    buildChatRuntime: runtime(),
    apiKey: "sk-test",
    ...options,
  })
  gateways.push(gateway)
  return gateway
}

/** Hooks that record the type and the id of each event they receive. */
function keeping() {
  const heard: { readonly hook: string; readonly id: string; readonly what?: unknown }[] = []
  const hooks: Hooks = {
    onUsage: ({ id, failed }) => void heard.push({ hook: "onUsage", id, what: failed }),
    onRunUsage: ({ id, ...report }) => void heard.push({ hook: "onRunUsage", id, what: report }),
    onToolResult: ({ id, input }) => void heard.push({ hook: "onToolResult", id, what: input }),
    onToolTiming: ({ id, ok, server, resultBytes }) =>
      void heard.push({ hook: "onToolTiming", id, what: { ok, server, resultBytes } }),
    onEvent: ({ event }, { id }) => void heard.push({ hook: "onEvent", id, what: event.type }),
  }
  const of = (hook: string) => heard.filter((each) => each.hook === hook)
  return { hooks, heard, of, types: () => of("onEvent").map(({ what }) => what) }
}

describe("hooks of the gateway", () => {
  it("receive everything once, with the id of its event", async () => {
    const { hooks, of, types } = keeping()
    const gateway = start({ ...hooks, buildChatRuntime: runtime({ maxTurns: 1 }) })
    await gateway.run("Act.")
    await vi.waitFor(() => expect(types().at(-1)).toBe("runCompleted"), patience)
    await gateway.close({ graceMs: 0 })
    const idOf = (type: Event["type"]) => of("onEvent").find(({ what }) => what === type)?.id
    expect(of("onUsage")).toEqual([{ hook: "onUsage", id: idOf("messageCompleted"), what: false }])
    expect(of("onToolResult")).toEqual([
      { hook: "onToolResult", id: idOf("toolCallCompleted"), what: { n: 1 } },
    ])
    expect(of("onToolTiming")).toEqual([
      {
        hook: "onToolTiming",
        id: idOf("toolCallCompleted"),
        what: { ok: true, server: null, resultBytes: '"done"'.length },
      },
    ])
    expect(of("onRunUsage")).toMatchObject([
      { id: idOf("runCompleted"), what: { outcome: "interrupted", turns: 1, usage: { outputTokens: 3 } } },
    ])
    expect(new Set(of("onEvent").map(({ id }) => id)).size).toBe(types().length)
    expect(idOf("runStarted")).toMatch(/^sess_\w+:1000000001$/)
  })

  it("have received all events of a run when the gateway is closed", async () => {
    const { hooks, types } = keeping()
    const gateway = start(hooks)
    await gateway.run("Act.")
    await gateway.close({ graceMs: 0 })
    expect([types()[0], types().at(-1)]).toEqual(["runStarted", "runCompleted"])
  })

  it("that throw are called again for the same event, and do not delay other hooks", async () => {
    const { hooks, of } = keeping()
    const failed: string[] = []
    const gateway = start({
      ...hooks,
      onUsage(report, options) {
        if (failed.length === 0) {
          failed.push(report.id)
          throw new Error("no")
        }
        return hooks.onUsage?.(report, options)
      },
    })
    await gateway.run("Act.")
    await vi.waitFor(() => expect(of("onToolTiming")).toHaveLength(1), patience)
    await vi.waitFor(() => expect(of("onUsage")).toHaveLength(2), patience)
    expect(of("onUsage")[0]?.id).toBe(failed[0])
    expect(logger.warn.mock.calls[0]?.[0]).toMatchObject({ subscriber: "hook:onUsage", attempt: 1 })
  })

  it("receive after a restart the events that a process could not deliver", async () => {
    const first = start({
      onEvent: (_entry, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
    })
    await first.run("Act.")
    await first.close({ graceMs: 0 })
    const { hooks, types } = keeping()
    await start(hooks).prepare()
    await vi.waitFor(
      () => expect([types()[0], types().at(-1)]).toEqual(["runStarted", "runCompleted"]),
      patience,
    )
  })

  it("receive the end of a run that is canceled while it is parked", async () => {
    const { hooks, types } = keeping()
    const gateway = start({
      ...hooks,
      buildChatRuntime: runtime({ needsApproval: () => true }),
      validApiKeys: ["key"],
    })
    const post = (path: string, body: object, token?: string) =>
      gateway.fetch(
        new Request(`http://localhost/api${path}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify(body),
        }),
      )
    const { session_id: sessionId, session_token: token } = (await (
      await post("/chat/init", { api_key: "key" })
    ).json()) as Record<string, string>
    const stream = await post("/chat", { message: "Act." }, token)
    await vi.waitFor(() => expect(types()).toContain("waitOpened"), patience)
    await stream.body?.cancel()
    expect(await gateway.revokeSession(sessionId ?? "")).toBe(true)
    await vi.waitFor(() => expect(types().at(-1)).toBe("runCompleted"), patience)
  })

  it("of one request receive the events of its run in this process", async () => {
    const ofGateway = keeping()
    const ofRequest = keeping()
    const gateway = start({ ...ofGateway.hooks, buildChatRuntime: async () => runtime(ofRequest.hooks) })
    await gateway.run("Act.")
    await gateway.close({ graceMs: 0 })
    expect(ofRequest.types()).toEqual(ofGateway.types())
    expect(ofRequest.of("onEvent").map(({ id }) => id)).toEqual(ofGateway.of("onEvent").map(({ id }) => id))
    expect(ofRequest.of("onToolResult")).toEqual(ofGateway.of("onToolResult"))
    expect(ofRequest.of("onRunUsage")).toEqual(ofGateway.of("onRunUsage"))
  })
})

describe("a hook as a subscriber", () => {
  const entry = (seq: number, event: Event): EventEntry => ({
    kind: "event",
    seq,
    v: 2,
    at: 1,
    runId: "run_1",
    event,
  })
  const completed = entry(9, {
    type: "toolCallCompleted",
    toolCallId: "call_1",
    name: "act",
    result: { type: "json", value: "done" },
    durationMs: 1,
    server: null,
    executionLocation: "backend",
  })
  const page: EventPage = { sessionId: "sess_1", entries: [completed] }
  const context = (attempt = 1) => ({ signal: new AbortController().signal, attempt, handled: vi.fn() })

  function subscriber(hooks: Hooks, log: Partial<SessionLog> = {}) {
    const options = { log: log as SessionLog, callbackTimeoutMs: 20, logger }
    const [only] = createHookSubscribers(hooks, options)
    if (only === undefined) throw new Error("There is no hook.")
    return only
  }

  it("finds the input of a call whose request is pages before its result", async () => {
    const requested = entry(3, {
      type: "toolCallRequested",
      stepId: "step_1",
      toolCallId: "call_1",
      name: "act",
      input: { n: 7 },
      callIndex: 0,
      executionLocation: "backend",
    })
    const pages = [[entry(1, { type: "toolCallStarted", toolCallId: "call_0" })], [requested], [completed]]
    const read = vi.fn(async () => pages.shift() ?? [])
    const inputs: unknown[] = []
    const hook = subscriber(
      { onToolResult: ({ input }) => void inputs.push(input) },
      { read, stepStart: async () => 1 },
    )
    await hook.onEvents(page, context())
    expect(inputs).toEqual([{ n: 7 }])
    expect(read.mock.calls).toHaveLength(2)
  })

  it("that hangs fails after its time limit", async () => {
    const hook = subscriber({ onEvent: () => new Promise(() => {}) })
    await expect(hook.onEvents(page, context())).rejects.toMatchObject({ code: "callback_timeout" })
  })

  it("is not called again for an event after fifteen failures", async () => {
    const hook = subscriber({
      onEvent() {
        throw new Error("no")
      },
    })
    const before = context(14)
    await expect(hook.onEvents(page, before)).rejects.toThrow("no")
    expect(before.handled).not.toHaveBeenCalled()
    const last = context(15)
    await hook.onEvents(page, last)
    expect(last.handled).toHaveBeenCalledWith(9)
    expect(logger.error.mock.calls.at(-1)?.[1]).toContain("does not call it for this event again")
  })

  it("keeps the events that it received before the event at which it fails", async () => {
    const started = entry(4, { type: "toolCallStarted", toolCallId: "call_1" })
    const hook = subscriber({
      onEvent({ event }) {
        if (event.type === "toolCallCompleted") throw new Error("no")
      },
    })
    const given = context()
    const both: EventPage = { sessionId: "sess_1", entries: [started, completed] }
    await expect(hook.onEvents(both, given)).rejects.toThrow("no")
    expect(given.handled.mock.calls).toEqual([[4]])
  })
})

it("warns once of further content blocks that onToolResult returns, and not of other values", async () => {
  const blocks = [{ type: "text", text: "More." }]
  const onToolResult = vi.fn(() => blocks) as unknown as NonNullable<Hooks["onToolResult"]>
  const ofRuntime = vi.fn(() => blocks.length) as unknown as NonNullable<Hooks["onToolResult"]>
  const gateway = start({ onToolResult, buildChatRuntime: runtime({ onToolResult: ofRuntime }) })
  await gateway.run("Go.")
  await gateway.run("Go.")
  await vi.waitFor(() => expect(onToolResult).toHaveBeenCalledTimes(2), patience)
  expect(ofRuntime).toHaveBeenCalledTimes(2)
  const warned = () =>
    logger.warn.mock.calls.filter(([, message]) => String(message).includes("transformToolResult"))
  await vi.waitFor(() => expect(warned()).toHaveLength(1), patience)
})

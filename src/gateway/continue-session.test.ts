import { afterEach, describe, expect, it, vi } from "vitest"
import { ConfigurationError, GatewayError } from "../core/errors.ts"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { chatEventSchema } from "../wires/native/schemas/events.ts"
import { createAgent } from "./create-agent.ts"
import { createGateway, type GatewayOptions } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const say = (text: string) => ({ type: "text", text }) as const
const forever = { type: "wait", until: new Promise(() => {}) } as const
const callPay: ScriptedTurn = [{ type: "toolCall", name: "pay" }]

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

/**
 * Starts two agents. The model of the first plays the turns, and the model of the second responds with its own name.
 */
function setup(turns: readonly ScriptedTurn[], options: Partial<GatewayOptions> = {}) {
  const provider = scriptedProvider(turns)
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: () => "paid",
  })
  const gateway = createGateway({
    store: "memory",
    logger,
    agents: {
      first: { systemPrompt: "You are first.", provider, tools: [pay] },
      second: { systemPrompt: "You are second.", provider: scriptedProvider(() => [say("I am second.")]) },
    },
    ...options,
  })
  gateways.push(gateway)
  return { gateway, provider }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof GatewayError) return error.code
  throw new Error("not a GatewayError", { cause: error })
}

describe("gateway.run with a session", () => {
  it("continues the session with its earlier messages", async () => {
    const { gateway, provider } = setup([[say("Hello.")], [say("Again.")]])
    const { sessionId } = await gateway.run("Hi", { context: { channel: "code", n: 1 } })
    const second = await gateway.run("And now?", { sessionId })
    expect(second).toMatchObject({ sessionId, response: "Again." })
    expect(provider.requests.at(-1)?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
  })

  it("gives tools the message's context, and the tenant and user of the session", async () => {
    const seen: unknown[] = []
    const look = tool({
      name: "look",
      description: "Looks.",
      inputSchema: { type: "object" },
      execute: (_input, { context, session: { tenant, userId, channel } }) =>
        seen.push({ context, tenant, userId, channel }),
    })
    const provider = scriptedProvider([[{ type: "toolCall", name: "look" }], [say("Seen.")]])
    const gateway = createAgent("You look.", { provider, store: "memory", logger, tools: [look] })
    gateways.push(gateway)
    await gateway.run("Hi", { userId: "ada", tenant: "acme", context: { channel: "code", page: 7 } })
    const context = { channel: "code", page: 7 }
    expect(seen).toEqual([{ context, tenant: "app_acme", userId: "ada", channel: "code" }])
  })

  it("creates a session for an owner, which other owners cannot continue", async () => {
    const { gateway } = setup(Array.from({ length: 3 }, () => [say("Ok.")]))
    const { sessionId } = await gateway.run("Hi", { userId: "ada", tenant: "acme" })
    expect(await gateway.sessions.get(sessionId)).toMatchObject({ tenant: "app_acme", userId: "ada" })
    await gateway.run("Hi", { sessionId, userId: "ada", tenant: "acme" })
    await gateway.run("Hi", { sessionId })
    for (const other of [
      { userId: "ada" },
      { userId: "bob", tenant: "acme" },
      { userId: "ada", tenant: "app_acme" },
      { agent: "second" },
    ]) {
      expect(await codeOf(gateway.run("Hi", { sessionId, ...other }))).toBe("session_not_found")
    }
    await gateway.revokeSession(sessionId)
    expect(await codeOf(gateway.run("Hi", { sessionId }))).toBe("session_not_found")
    expect((await gateway.sessions.runs({ sessionId })).items).toHaveLength(3)
  })

  it.each(["sess_none", "", "\u0000", "\ud800", "x".repeat(10_000)])(
    "refuses the session %j, which does not exist",
    async (sessionId) => {
      const { gateway } = setup([])
      expect(await codeOf(gateway.run("Hi", { sessionId }))).toBe("session_not_found")
      expect((await gateway.sessions.list()).items).toEqual([])
    },
  )

  it("reaches a named agent, and refuses a name that is not served", async () => {
    const { gateway } = setup([])
    expect((await gateway.run("Who?", { agent: "second" })).response).toBe("I am second.")
    expect(await codeOf(gateway.run("Who?", { agent: "third" }))).toBe("agent_not_found")
    expect(await codeOf(gateway.run("Who?", { agent: "__proto__" }))).toBe("agent_not_found")
  })

  it("refuses a second message while a run is open", async () => {
    const { gateway } = setup([[say("Half"), forever]])
    const stream = gateway.stream("Hi")
    const { sessionId } = await stream.started
    expect(await codeOf(gateway.run("More", { sessionId }))).toBe("run_active")
    for await (const _ of stream) break
  })

  it("queues a message while a run is open, reports its position, and withdraws it when the iteration ends early", async () => {
    const gate = Promise.withResolvers<void>()
    const { gateway, provider } = setup([
      [say("Half"), { type: "wait", until: gate.promise }],
      [say("Second.")],
    ])
    const first = gateway.run("One", {})
    const sessionId = await vi.waitUntil(async () => {
      const { items } = await gateway.sessions.list({ states: ["running"] })
      return provider.requests.length === 1 ? items[0]?.id : undefined
    })
    const events: ChatEvent[] = []
    const second = gateway.run("Two", {
      sessionId,
      whenBusy: "queue",
      onEvent: (event) => events.push(event),
    })
    await vi.waitFor(() =>
      expect(events).toEqual([expect.objectContaining({ type: "run_queued", position: 1 })]),
    )
    const third = gateway.stream("Three", { sessionId, whenBusy: "queue" })
    for await (const event of third) {
      expect(event).toMatchObject({ type: "run_queued", position: 2 })
      break
    }
    gate.resolve()
    expect([(await first).response, (await second).response]).toEqual(["Half", "Second."])
    const { runId } = await third.started
    expect(await gateway.sessions.run(runId)).toMatchObject({ state: "interrupted" })
    expect(provider.requests).toHaveLength(2)
  })

  it("joins the open run by steering, and does not cancel it when the iteration ends early", async () => {
    const gate = Promise.withResolvers<void>()
    const turns: ScriptedTurn[] = [[say("Half"), { type: "wait", until: gate.promise }], [say("And that.")]]
    const { gateway } = setup(turns)
    const first = gateway.stream("One")
    const { sessionId, runId } = await first.started
    const iterator = first[Symbol.asyncIterator]()
    expect(await iterator.next()).toMatchObject({ value: { type: "text_delta" } })
    const steering = gateway.stream("Two", { sessionId, whenBusy: "steer" })
    expect(await steering.started).toEqual({ sessionId, runId })
    for await (const _ of steering) break
    gate.resolve()
    const rest: ChatEvent[] = []
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      rest.push(next.value)
    expect(rest.at(-1)).toMatchObject({ type: "stream_complete", terminal_disposition: "completed" })
    expect(rest).toContainEqual(expect.objectContaining({ type: "user_message_added" }))
  })

  it("does not open a run before its `notBefore` time", async () => {
    const { gateway } = setup([[say("Later.")]])
    const { sessionId } = await gateway.run("Hi", { agent: "second" })
    const stop = new AbortController()
    const notBefore = Date.now() + 3_600_000
    const later = gateway.run("Later", { sessionId, notBefore, signal: stop.signal })
    await vi.waitFor(async () =>
      expect(await gateway.sessions.get(sessionId)).toMatchObject({ state: "queued" }),
    )
    stop.abort()
    expect(await later).toMatchObject({ outcome: "interrupted", reason: "cancelled" })
  })

  it.each([
    [{ whenBusy: "wait" }, "whenBusy: "],
    [{ notBefore: -1 }, "notBefore: must be at least 0"],
    [{ sesionId: "x" }, "unknown option sesionId"],
    [{ userId: "" }, "userId: is empty"],
    [{ tenant: "acme" }, "tenant: needs userId"],
    [{ context: "web" }, "context: expected an object"],
  ])("refuses the options %j", async (options, problem) => {
    const { gateway } = setup([])
    const refused = gateway.run("Hi", options as object)
    await expect(refused).rejects.toThrow(ConfigurationError)
    await expect(refused).rejects.toThrow(problem)
  })
})

describe("gateway.stream", () => {
  it("yields the same events as the HTTP API, and run passes them to onEvent", async () => {
    const { gateway } = setup([
      [say("Hel"), say("lo.")],
      [say("Hel"), say("lo.")],
    ])
    const streamed: ChatEvent[] = []
    for await (const event of gateway.stream("Hi")) streamed.push(event)
    const told: ChatEvent[] = []
    await gateway.run("Hi", { onEvent: (event) => told.push(event) })
    expect(streamed.map(({ type }) => type)).toEqual([
      "text_delta",
      "text_delta",
      "turn_complete",
      "stream_complete",
    ])
    for (const event of streamed) expect(chatEventSchema.parse(event)).toEqual(event)
    expect(told).toEqual(streamed)
  })

  it("leaves approvals to the reader of the events", async () => {
    const { gateway } = setup([callPay, [say("Done.")]])
    const stream = gateway.stream("Pay.")
    const { sessionId } = await stream.started
    const results: unknown[] = []
    for await (const event of stream) {
      if (event.type === "tool_approval_request") {
        const { tool_call_id: toolCallId, nonce } = event
        await gateway.waits.approve({ sessionId, toolCallId, nonce })
      }
      if (event.type === "tool_call_complete") results.push(event.result)
    }
    expect(results).toEqual(["paid"])
  })

  it("calls onApproval if it is set", async () => {
    const { gateway } = setup([callPay, [say("Done.")]])
    const events: ChatEvent[] = []
    for await (const event of gateway.stream("Pay.", { onApproval: () => ({ approved: false }) })) {
      events.push(event)
    }
    expect(events).toContainEqual(expect.objectContaining({ type: "approval_resolved", approved: false }))
  })

  it("cancels the run when the iteration is left early", async () => {
    const { gateway } = setup([[say("Half"), forever]])
    const stream = gateway.stream("Hi")
    const { runId } = await stream.started
    for await (const event of stream) if (event.type === "text_delta") break
    await vi.waitFor(async () => {
      expect(await gateway.sessions.run(runId)).toMatchObject({ state: "interrupted" })
    })
  })

  it("cancels the run when the loop throws, and cancels nothing after the end", async () => {
    const { gateway } = setup([[say("Half"), forever], [say("Done.")]])
    const stream = gateway.stream("Hi")
    const { runId } = await stream.started
    const failing = async () => {
      for await (const event of stream) throw new Error(event.type)
    }
    await expect(failing()).rejects.toThrow("text_delta")
    await vi.waitFor(async () => {
      expect(await gateway.sessions.run(runId)).toMatchObject({ state: "interrupted" })
    })
    const second = gateway.stream("Hi")
    for await (const event of second) if (event.type === "stream_complete") break
    expect(await gateway.sessions.run((await second.started).runId)).toMatchObject({ state: "completed" })
  })

  it("ends with the cancel when its signal aborts", async () => {
    const { gateway } = setup([[say("Half"), forever]])
    const stop = new AbortController()
    const events: ChatEvent[] = []
    for await (const event of gateway.stream("Hi", { signal: stop.signal })) {
      events.push(event)
      stop.abort()
    }
    expect(events.at(-1)).toMatchObject({
      type: "stream_complete",
      terminal_disposition: "interrupted",
      reason: "cancelled",
    })
  })

  it("starts nothing if its signal is already aborted", async () => {
    const { gateway } = setup([])
    const stream = gateway.stream("Hi", { signal: AbortSignal.abort(new Error("never mind")) })
    await expect(stream.started).rejects.toThrow("never mind")
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow("never mind")
    expect((await gateway.sessions.list()).items).toEqual([])
  })

  it("can be iterated once", async () => {
    const { gateway } = setup([[say("Hi.")]])
    const stream = gateway.stream("Hi")
    for await (const _ of stream);
    expect(() => stream[Symbol.asyncIterator]()).toThrow("iterated only once")
  })

  it("does not crash the process when a failing start is not awaited", async () => {
    const { gateway } = setup([])
    gateway.stream("Hi", { sessionId: "sess_none" })
    expect(await gateway.run("Who?", { agent: "second" })).toMatchObject({ outcome: "completed" })
  })

  it("rejects when the gateway closes, and the run stays open for the next start", async () => {
    const { gateway } = setup([[say("Half"), forever]])
    const reading = (async () => {
      for await (const event of gateway.stream("Hi"))
        if (event.type === "text_delta") void gateway.close({ graceMs: 0 })
    })()
    expect(await codeOf(reading)).toBe("shutting_down")
  })
})

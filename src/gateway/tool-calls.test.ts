import { afterEach, expect, it, vi } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import type { Event } from "../core/log/entries.ts"
import type { Store } from "../core/ports/store/store.ts"
import { systemClock } from "../core/time/clock.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const operatorKey = { key: "key-of-ann-the-operator", name: "ann", scopes: ["read", "operate"] } as const
const amount = {
  ...{ type: "object", properties: { amount: { type: "integer", minimum: 1 } } },
  ...{ required: ["amount"], additionalProperties: false },
} as const

let gateway: Gateway
let store: Store
let release = Promise.withResolvers<void>()
const executed = vi.fn()
afterEach(async () => {
  release.resolve()
  await gateway.close({ graceMs: 0 })
  await store.close()
  executed.mockClear()
})

/** Creates a gateway whose model only says "Hello.". */
async function open() {
  store = await openMemoryStore({ clock: systemClock, logger })
  release = Promise.withResolvers()
  const provider = scriptedProvider(() => [{ type: "text", text: "Hello." }])
  const pay = { name: "pay", description: "Pays.", inputSchema: amount }
  const execute = async (input: object) => {
    executed(input)
    return "paid"
  }
  gateway = createGateway({
    store,
    logger,
    operatorKeys: [operatorKey],
    agents: {
      payer: {
        systemPrompt: "You pay.",
        provider,
        tools: [
          tool({ ...pay, execute }),
          tool({ ...pay, name: "pay_asked", needsApproval: true, execute }),
          tool({
            ...{ name: "hang", description: "Hangs.", inputSchema: { type: "object" } },
            execute: async (_, { signal }) => {
              executed({})
              await Promise.race([
                release.promise,
                new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
              ])
              return "released"
            },
          }),
          tool({
            ...{ name: "throw", description: "Throws.", inputSchema: { type: "object" } },
            execute: () => {
              throw new Error("broken")
            },
          }),
          tool({
            ...{ name: "locate", description: "Locates.", inputSchema: { type: "object" } },
            executionLocation: "client",
          }),
        ],
        interceptors: [
          ({ input }) => {
            if (input.amount === 13) return { action: "deny", code: "unlucky", message: "Not 13." }
            return input.amount === 14 ? { action: "ask", message: "Sure?" } : { action: "allow" }
          },
        ],
      },
      framework: { buildChatRuntime: { runner: async function* () {} } },
    },
  })
  return { provider }
}

async function readEvents(sessionId: string): Promise<Event[]> {
  const { items } = await gateway.operate("sessions.events", { sessionId })
  return items.map(({ event }) => event as unknown as Event)
}

it("returns the result, without a model", async () => {
  const { provider } = await open()
  const outcome = await gateway.tools.call({ tool: "pay", input: { amount: 3 } })
  expect(outcome).toMatchObject({ status: "completed", result: { type: "json", value: "paid" } })
  expect(executed.mock.calls).toEqual([[{ amount: 3 }]])
  expect(provider.requests).toEqual([])
  expect((await readEvents(outcome.sessionId))[0]).toMatchObject({
    call: { tool: "pay", input: { amount: 3 }, origin: { type: "code" } },
  })
})

it.each([
  ["an input that does not match the schema", "pay", { amount: 0 }, "invalid", "invalid_input"],
  ["a call that an interceptor denies", "pay", { amount: 13 }, "denied", "unlucky"],
  ["a tool that throws", "throw", {}, "failed", "tool_failed"],
  ["a tool that does not exist", "pai", {}, "failed", "unknown_tool"],
])("reports %s", async (_, name, input, status, code) => {
  await open()
  const outcome = await gateway.tools.call({ tool: name, input })
  expect(outcome).toMatchObject({ status, error: { code } })
  expect(executed).not.toHaveBeenCalled()
})

it.each([
  ["a tool that needs approval", "pay_asked", 3],
  ["a call that an interceptor asks about", "pay", 14],
])("returns the wait of %s, and its outcome after the answer", async (_, name, paid) => {
  await open()
  const first = await gateway.tools.call({ tool: name, input: { amount: paid } })
  if (first.status !== "waiting") throw new Error(first.status)
  expect(first.waits).toMatchObject([
    { kind: "approval", toolName: name, payload: { input: { amount: paid } } },
  ])
  expect(executed).not.toHaveBeenCalled()
  const [wait] = first.waits
  if (wait === undefined) throw new Error("Nothing waits.")
  await gateway.waits.approve(wait)
  expect(await gateway.tools.outcome(first, { timeoutMs: 120_000 })).toMatchObject({
    ...{ status: "completed", runId: first.runId, toolCallId: first.toolCallId },
    result: { type: "json", value: "paid" },
  })
  expect(executed).toHaveBeenCalledTimes(1)
})

it("reports a call that a person denies", async () => {
  await open()
  const first = await gateway.tools.call({ tool: "pay_asked", input: { amount: 3 } })
  if (first.status !== "waiting" || first.waits[0] === undefined) throw new Error(first.status)
  await gateway.waits.deny(first.waits[0], { reason: "Too much." })
  expect(await gateway.tools.outcome(first, { timeoutMs: 120_000 })).toMatchObject({
    ...{ status: "denied", error: { code: "denied", message: "This call was denied: Too much." } },
  })
  expect(executed).not.toHaveBeenCalled()
})

it("asks no more after a grant for the session", async () => {
  await open()
  const first = await gateway.tools.call({ tool: "pay_asked", input: { amount: 3 } })
  if (first.status !== "waiting" || first.waits[0] === undefined) throw new Error(first.status)
  await gateway.waits.approve(first.waits[0], { allowToolType: true })
  await gateway.tools.outcome(first, { timeoutMs: 120_000 })
  const { sessionId } = first
  expect(await gateway.tools.call({ tool: "pay_asked", input: { amount: 4 }, sessionId })).toMatchObject({
    status: "completed",
  })
})

it("cancels a call whose time is over", async () => {
  await open()
  const { sessionId, ...outcome } = await gateway.tools.call({ tool: "hang", timeoutMs: 2_000 })
  expect(outcome).toMatchObject({ status: "timedOut" })
  expect(await gateway.sessions.get(sessionId)).toMatchObject({ activeRunId: null })
})

it("cancels a call on abort", async () => {
  await open()
  const stop = new AbortController()
  executed.mockImplementationOnce(() => stop.abort())
  expect(await gateway.tools.call({ tool: "hang", signal: stop.signal })).toMatchObject({
    ...{ status: "cancelled", isStarted: true },
  })
})

it("executes calls of one session one after the other, and of two sessions at once", async () => {
  await open()
  const first = gateway.tools.call({ tool: "hang", timeoutMs: 120_000 })
  await vi.waitFor(() => expect(executed).toHaveBeenCalledTimes(1))
  const [session] = (await gateway.sessions.list()).items
  const sessionId = session?.id ?? ""
  const elsewhere = await gateway.tools.call({ tool: "pay", input: { amount: 1 } })
  expect(elsewhere).toMatchObject({ status: "completed" })
  const overdue = await gateway.tools.call({ tool: "pay", input: { amount: 2 }, sessionId, timeoutMs: 500 })
  expect(overdue).toMatchObject({ status: "timedOut", isStarted: false, toolCallId: null })
  const behind = gateway.tools.call({ tool: "pay", input: { amount: 3 }, sessionId, timeoutMs: 120_000 })
  release.resolve()
  expect(await first).toMatchObject({ status: "completed", result: { value: "released" } })
  expect(await behind).toMatchObject({ status: "completed" })
  expect(executed.mock.calls).toEqual([[{}], [{ amount: 1 }], [{ amount: 3 }]])
})

it("leaves the conversation of its session as it was", async () => {
  const { provider } = await open()
  const { sessionId } = await gateway.run("Hi")
  await gateway.tools.call({ tool: "pay", input: { amount: 3 }, sessionId })
  await gateway.run("Again", { sessionId })
  expect(provider.requests.at(-1)?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
})

it.each([
  ["a tool of the client", { tool: "locate" }, "client_tool"],
  ["an agent with a custom loop", { tool: "pay", agent: "framework" }, "call_not_supported"],
  ["an agent that is not served", { tool: "pay", agent: "other" }, "agent_not_found"],
  ["a session that does not exist", { tool: "pay", sessionId: "sess_none" }, "session_not_found"],
  ["an input that is too large", { tool: "pay", input: { text: "x".repeat(300_000) } }, "body_too_large"],
  ["a time of zero", { tool: "pay", timeoutMs: 0 }, "invalid_configuration"],
])("refuses %s, and logs nothing", async (_, call, code) => {
  await open()
  await expect(gateway.tools.call(call)).rejects.toMatchObject({ code })
  expect((await gateway.sessions.list()).items).toEqual([])
})

it("refuses a session of another user or agent", async () => {
  await open()
  const { sessionId } = await gateway.run("Hi", { userId: "bea" })
  const call = { tool: "pay", input: { amount: 3 }, sessionId }
  const refused = { code: "session_not_found" }
  await expect(gateway.tools.call({ ...call, userId: "carl" })).rejects.toMatchObject(refused)
  await expect(gateway.tools.call({ ...call, agent: "framework" })).rejects.toMatchObject(refused)
  expect(await gateway.tools.call({ ...call, userId: "bea" })).toMatchObject({
    status: "completed",
    sessionId,
  })
})

it("has no outcome for a run of a model", async () => {
  await open()
  const run = await gateway.run("Hi")
  await expect(gateway.tools.outcome(run)).rejects.toMatchObject({ code: "run_not_found" })
})

it("lists the tools, with those that only a model can call", async () => {
  await open()
  const tools = await gateway.tools.list()
  expect(tools.map(({ agent, name, isCallable }) => [agent, name, isCallable])).toEqual([
    ...[["payer", "pay", true] as const, ["payer", "pay_asked", true] as const],
    ...[["payer", "hang", true] as const, ["payer", "throw", true] as const],
    ["payer", "locate", false],
  ])
  expect(tools[0]?.inputSchema).toEqual(amount)
})

it("is an operation that logs the operator's name", async () => {
  await open()
  const request = (path: string, body?: object, key: string = operatorKey.key) =>
    gateway.fetch(
      new Request(`http://gateway/api/operate${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
  const response = await request("/tools/pay/call", { input: { amount: 3 } })
  expect(response.status).toBe(200)
  const outcome = (await response.json()) as { readonly sessionId: string; readonly runId: string }
  expect(outcome).toMatchObject({ status: "completed", result: { type: "json", value: "paid" } })
  expect((await readEvents(outcome.sessionId))[0]).toMatchObject({
    call: { origin: { type: "operator", name: "ann" } },
  })
  const again = await request(`/tools/calls/${outcome.runId}`)
  expect(await again.json()).toEqual(outcome)
  const waiting = (await (await request("/tools/pay_asked/call", { input: { amount: 3 } })).json()) as object
  expect(waiting).toMatchObject({ status: "waiting", waits: [{ kind: "approval", toolName: "pay_asked" }] })
  expect(JSON.stringify(waiting)).not.toContain("nonce")
  expect((await request("/tools")).status).toBe(200)
  expect((await request("/tools/pay/call", {}, "another-key-of-nobody")).status).toBe(401)
})

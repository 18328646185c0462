import { inflateRawSync } from "node:zlib"
import { expect, it, onTestFinished, vi } from "vitest"
import { anthropicProvider } from "../adapters/providers/anthropic/anthropic-provider.ts"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import { omitUndefined } from "../core/defined-only.ts"
import type { WholeStore } from "../core/ports/store/store.ts"
import { systemClock } from "../core/time/clock.ts"
import { removeOldRequests } from "../features/telemetry/requests/keep-requests.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { anthropicErrorReply, anthropicEvents } from "../testing/provider/anthropic-wire.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { startScriptedUpstream, type UpstreamReply } from "../testing/provider/scripted-upstream.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
const patience = { timeout: 120_000, interval: 10 }
const usage = { inputTokens: 10, outputTokens: 5 }
const say = (text: string): UpstreamReply => ({
  steps: anthropicEvents([{ type: "text", text: [text] }], usage),
})
const callLook = (input: { readonly [name: string]: string }): UpstreamReply => ({
  steps: anthropicEvents([{ type: "toolCall", name: "look", input }], usage),
})
const look = tool({
  name: "look",
  description: "Look.",
  inputSchema: { type: "object" } as const,
  execute: () => "It is a quiet morning, and the harbor lies empty.",
})

type Options = { readonly [Name in keyof AgentOptions]: AgentOptions[Name] | undefined }

/** An option that is undefined is not set. */
async function setUp(script: Parameters<typeof startScriptedUpstream>[0], options: Options = {}) {
  const upstream = await startScriptedUpstream(script)
  onTestFinished(() => upstream.close())
  const store = await openMemoryStore({ clock: systemClock, logger })
  const gateway = createAgent(
    "You look.",
    omitUndefined({
      provider: anthropicProvider({ apiKey: "sk-secret-of-the-provider", baseURL: upstream.url }),
      tools: [look],
      keepRequests: "all" as const,
      secretsKey: "0123456789abcdef0123456789abcdef",
      logger,
      store,
      ...options,
    }),
  )
  onTestFinished(async () => {
    await gateway.close({ graceMs: 0 })
    await store.close()
  })
  const listKept = async (sessionId: string) =>
    (await gateway.operate("sessions.attempts", { sessionId })).items
  /** Resolves to the kept attempts, oldest first, once there are that many. */
  const waitForKept = (sessionId: string, count: number) =>
    vi.waitFor(async () => {
      const items = await listKept(sessionId)
      expect(items).toHaveLength(count)
      return items.toReversed()
    }, patience)
  return { upstream, store, gateway, listKept, waitForKept }
}

/** Returns everything that the store has of kept requests, as one text. */
async function readRaw({ keptRequests }: WholeStore, sessionId: string): Promise<string> {
  const bodies: Uint8Array[] = []
  for (const kept of await keptRequests.list(sessionId, { limit: 1_000 })) {
    bodies.push(kept.facts, ...(await keptRequests.parts(sessionId, kept)))
  }
  return bodies.map((body) => `${Buffer.from(body).toString("latin1")}\n${inflateIfPossible(body)}`).join()
}

function inflateIfPossible(body: Uint8Array): string {
  try {
    return inflateRawSync(body).toString()
  } catch {
    // The body is encrypted.
    return ""
  }
}

it("shows the requests of a failed and of a successful attempt as the upstream received them", async () => {
  const overloaded = {
    ...anthropicErrorReply(529, "overloaded_error", "Overloaded"),
    headers: { "request-id": "r1", "content-type": "application/json" },
  }
  const { upstream, store, gateway, waitForKept } = await setUp([
    overloaded,
    callLook({ city: "Kiel" }),
    say("Done."),
  ])
  const { sessionId } = await gateway.run("Look at the harbor.")
  const [failed, called, answered] = await waitForKept(sessionId, 3)
  expect([failed?.code, called?.code, answered?.code]).toEqual(["overloaded", null, null])
  const show = (attemptId = "") => gateway.operate("sessions.attempt", { sessionId, attemptId })
  const shown = [await show(failed?.id), await show(called?.id), await show(answered?.id)]
  expect(shown.map(({ body }) => body)).toEqual(upstream.requests.map(({ body }) => body))
  for (const [index, { url, headers, form }] of shown.entries()) {
    const received = upstream.requests[index]
    expect({ url, form }).toEqual({ url: `${upstream.url}${received?.path}`, form: "http" })
    expect(received?.headers).toMatchObject(headers)
  }
  expect(shown[0]?.response).toMatchObject({ status: 529, headers: { "request-id": "r1" } })
  expect(shown[0]?.response?.body).toContain("Overloaded")
  expect(shown[2]?.response?.body).toContain("Done.")
  expect(JSON.stringify(shown)).not.toContain("sk-secret")
  const { request } = await gateway.operate("sessions.show", { sessionId, request: "latest" })
  expect(request).toEqual(shown[2])
  expect(await readRaw(store, sessionId)).not.toContain("harbor")
})

it("encrypts kept requests if there is a key, and shows them to no one who has another", async () => {
  const { store, gateway, waitForKept } = await setUp([say("Done.")])
  const { sessionId } = await gateway.run("Look at the harbor.")
  const [kept] = await waitForKept(sessionId, 1)
  expect(await readRaw(store, sessionId)).not.toMatch(/harbor|anthropic/)
  for (const secretsKey of ["another key, which is long enough", undefined]) {
    const others = createAgent("You look.", omitUndefined({ store, logger, secretsKey }))
    onTestFinished(() => others.close({ graceMs: 0 }))
    expect(await others.operate("sessions.attempts", { sessionId })).toMatchObject({ items: [] })
    const asked = { sessionId, attemptId: kept?.id ?? "" }
    const code = "attempt_not_found"
    await expect(others.operate("sessions.attempt", asked)).rejects.toMatchObject({ code })
  }

  const open = await setUp([say("Done.")], { secretsKey: undefined })
  const run = await open.gateway.run("Look at the harbor.")
  await open.waitForKept(run.sessionId, 1)
  expect(await readRaw(open.store, run.sessionId)).toContain("harbor")
})

it("masks what redact names before it is stored, and keeps only the first event of a stream then", async () => {
  const { upstream, gateway, waitForKept } = await setUp([callLook({ pin: "4711" }), say("The pin: 4711.")], {
    redact: ["pin"],
  })
  const { sessionId } = await gateway.run("Look. pin: 4711")
  const [, latest] = await waitForKept(sessionId, 2)
  const { body, response } = await gateway.operate("sessions.attempt", {
    sessionId,
    attemptId: latest?.id ?? "",
  })
  expect(JSON.stringify(upstream.requests[1]?.body)).toContain("4711")
  const masked = JSON.parse(JSON.stringify(upstream.requests[1]?.body).replaceAll("4711", "[redacted]"))
  expect(body).toEqual(masked)
  expect(response?.body).toMatch(/^event: message_start\ndata: .*\}$/)
})

it("keeps only failed attempts with errors", async () => {
  const script = [anthropicErrorReply(529, "overloaded_error", "Overloaded"), say("Done."), say("Done.")]
  const { gateway, waitForKept } = await setUp(script, { keepRequests: "errors" })
  const { sessionId } = await gateway.run("Hi")
  await gateway.run("Hi", { sessionId })
  expect((await waitForKept(sessionId, 1))[0]?.code).toBe("overloaded")
})

it("keeps all attempts in dev, and none elsewhere, if the option is not set", async () => {
  const kept = new Map<string, number>()
  for (const mode of ["dev", "start"] as const) {
    const { gateway, store } = await setUp([say("Done.")], { keepRequests: undefined })
    await gateway.prepare({ mode, env: {} })
    const { sessionId } = await gateway.run("Hi")
    // The store is open after the gateway has closed, which stores what waits.
    await gateway.close({ graceMs: 0 })
    kept.set(mode, (await store.keptRequests.list(sessionId, { limit: 10 })).length)
  }
  expect(Object.fromEntries(kept)).toEqual({ dev: 1, start: 0 })
})

it("shows the request that the gateway gave a provider that does not report its own", async () => {
  const provider = scriptedProvider([[{ type: "text", text: "Done." }]])
  const { gateway, waitForKept } = await setUp([], { provider })
  const { sessionId } = await gateway.run("Hello")
  expect(await waitForKept(sessionId, 1)).toMatchObject([{ form: "gateway", provider: provider.name }])
  const { request } = await gateway.operate("sessions.show", { sessionId, request: "latest" })
  expect(request).toMatchObject({ url: null, response: null, body: { model: provider.defaultModel } })
  expect(JSON.stringify(request?.body)).toContain("Hello")
})

it("stores the parts of a request again after they were removed", async () => {
  const { gateway, store, upstream, waitForKept } = await setUp([say("One."), say("Two."), say("Three.")])
  const { sessionId } = await gateway.run("Hi")
  await gateway.run("And now?", { sessionId })
  await waitForKept(sessionId, 2)
  await store.keptRequests.removeOldest(Number.MAX_SAFE_INTEGER)
  await gateway.run("And then?", { sessionId })
  await waitForKept(sessionId, 1)
  const { request } = await gateway.operate("sessions.show", { sessionId, request: "latest" })
  expect(request?.body).toEqual(upstream.requests[2]?.body)
})

it("shows a request over HTTP to operators with the scope content for this tenant only", async () => {
  const keys = {
    all: "a-key-for-everything",
    read: "a-key-that-only-reads",
    other: "a-key-of-another-tenant",
  }
  const { gateway, waitForKept } = await setUp([say("Done.")], {
    operatorKeys: [
      { key: keys.all, name: "all", scopes: ["read", "content"] },
      { key: keys.read, name: "read", scopes: ["read"] },
      { key: keys.other, name: "other", scopes: ["read", "content"], tenant: "app_other" },
    ],
  })
  const { sessionId } = await gateway.run("Look at the harbor.")
  const [kept] = await waitForKept(sessionId, 1)
  const read = async (key: string, path: string) => {
    const headers = { authorization: `Bearer ${key}` }
    const url = `http://gateway/api/operate/sessions/${sessionId}${path}`
    const response = await gateway.fetch(new Request(url, { headers }))
    const body = (await response.json()) as { readonly code?: string }
    return { status: response.status, code: body.code, text: JSON.stringify(body) }
  }
  for (const path of [`/attempts/${kept?.id}`, "/attempts/latest", "?request=latest"]) {
    const shown = await read(keys.all, path)
    expect(shown.status).toBe(200)
    expect(shown.text).toContain("Look at the harbor.")
    expect(await read(keys.read, path)).toMatchObject({ status: 403, code: "scope_missing" })
    expect(await read(keys.other, path)).toMatchObject({ status: 404, code: "session_not_found" })
  }
  const listed = await read(keys.read, "/attempts")
  expect(listed.text).toContain(kept?.id)
  expect(listed.text).not.toContain("harbor")
  expect(await read(keys.all, "/attempts/unknown")).toMatchObject({ status: 404, code: "attempt_not_found" })
})

it("removes requests after seven days, and the oldest ones before if there are too many", async () => {
  const days = (count: number) => systemClock.now() + count * 24 * 60 * 60 * 1_000
  const { gateway, store, waitForKept } = await setUp([say("One."), say("Two.")])
  const sessions: string[] = []
  for (const _ of ["first", "second"]) {
    const { sessionId } = await gateway.run("Hi")
    await waitForKept(sessionId, 1)
    sessions.push(sessionId)
  }
  const remove = async (maxBytes: number, now: number) => {
    await removeOldRequests(store.keptRequests, { maxBytes, now, signal: new AbortController().signal })
    const counted = sessions.map(async (id) => (await store.keptRequests.list(id, { limit: 9 })).length)
    return Promise.all(counted)
  }
  expect(await remove(1_000_000, days(6))).toEqual([1, 1])
  expect(await remove((await store.keptRequests.bytes(null)) - 1, days(6))).toEqual([0, 1])
  expect(await remove(1_000_000, days(8))).toEqual([0, 0])
})

it("removes old requests by itself, even when no further ones are kept", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  onTestFinished(() => void vi.useRealTimers())
  const { gateway, store, waitForKept } = await setUp([say("One.")])
  const { sessionId } = await gateway.run("Hi")
  await waitForKept(sessionId, 1)
  await gateway.close({ graceMs: 0 })
  const later = createAgent("You look.", { store, logger, keepRequests: "none" })
  onTestFinished(() => later.close({ graceMs: 0 }))
  const now = store.log.now.bind(store.log)
  store.log.now = async () => (await now()) + 8 * 24 * 60 * 60 * 1_000
  await later.prepare()
  await vi.advanceTimersByTimeAsync(60_000)
  await vi.waitFor(async () => expect(await store.keptRequests.bytes(sessionId)).toBe(0), patience)
})

it("completes runs while their requests cannot be stored, or have no room", async () => {
  logger.warn.mockClear()
  const { gateway, store, listKept } = await setUp([say("One."), say("Two.")], { keepRequestsBytes: 10 })
  const first = await gateway.run("Hi")
  expect(first.outcome).toBe("completed")
  await vi.waitFor(() => expect(logger.warn).toHaveBeenCalledOnce(), patience)
  expect(await listKept(first.sessionId)).toEqual([])
  store.keptRequests.bytes = () => Promise.reject(new Error("The store is away."))
  expect((await gateway.run("Hi")).outcome).toBe("completed")
})

it("forgets the requests of a user with the memories, and keeps later ones", async () => {
  const { gateway, store, waitForKept } = await setUp([say("One."), say("Two.")])
  const { sessionId } = await gateway.run("Hi")
  await waitForKept(sessionId, 1)
  await gateway.memory.forgetUser({})
  expect(await store.keptRequests.bytes(sessionId)).toBe(0)
  await gateway.run("And now?", { sessionId })
  const [kept] = await waitForKept(sessionId, 1)
  const { body } = await gateway.operate("sessions.attempt", { sessionId, attemptId: kept?.id ?? "" })
  expect(JSON.stringify(body)).toContain("One.")
})

it("stores at most three times the log of a session of 500 turns", async () => {
  const turns = 500
  let [calls, stored] = [0, 0]
  // A script responds faster than any model, so the run waits for the store here.
  const patient = tool({
    ...{ name: "look", description: "Look.", inputSchema: { type: "object" } as const },
    async execute() {
      await vi.waitFor(() => expect(stored).toBeGreaterThan(calls - 50), patience)
      return "It is a quiet morning, and the harbor lies empty."
    },
  })
  const { upstream, gateway, store, listKept } = await setUp(
    () => (++calls < turns ? callLook({ step: `step ${calls}` }) : say("Done.")),
    { maxTurns: turns + 1, maxBudgetUsd: 1_000, tools: [patient] },
  )
  const { put } = store.keptRequests
  store.keptRequests.put = async (...given) => {
    const number = await put(...given)
    stored += 1
    return number
  }
  const { sessionId, outcome } = await gateway.run("Look often.")
  expect(outcome).toBe("completed")
  await vi.waitFor(() => expect(stored).toBe(turns), patience)
  const { request } = await gateway.operate("sessions.show", { sessionId, request: "latest" })
  expect(request?.body).toEqual(upstream.requests.at(-1)?.body)
  const [early] = (await listKept(sessionId)).slice(-1)
  const shown = await gateway.operate("sessions.attempt", { sessionId, attemptId: early?.id ?? "" })
  expect(upstream.requests.map(({ body }) => body)).toContainEqual(shown.body)
  const log = (await gateway.sessions.get(sessionId))?.storedBytes ?? 0
  const kept = await store.keptRequests.bytes(sessionId)
  console.info(`500 turns: log ${log} bytes, kept requests ${kept} bytes, ${(kept / log).toFixed(2)} times`)
  expect(kept).toBeLessThan(3 * log)
})

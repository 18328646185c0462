import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import type { AnyOperation } from "../../src/operations/operation.ts"
import { operations } from "../../src/operations/operations.ts"
import { operatorScopes } from "../../src/operations/scopes.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { type Answer, bearer, post, quiet, send } from "./clients.ts"

/** Words that the users of a tenant and the model said. Only operators with the scope `content` may read it. */
const secretOf = (tenant: string) => `the secret words of ${tenant}`

const ownKey = "the-key-of-an-operator-of-own"
const readKey = "the-key-of-a-reading-operator"
const allKey = "the-key-of-an-operator-of-all"

const gateway = createAgent("You pay.", {
  ...{ store: "memory", logger: quiet, rateLimits: false, memory: true, allowSchedules: true },
  validApiKeys: ["own", "rival"].map((tenant) => ({ key: `a key of the tenant ${tenant}`, tenant })),
  operatorKeys: [
    { key: ownKey, name: "tenant", scopes: operatorScopes, tenant: "named_own" },
    { key: readKey, name: "reader", scopes: ["read"] },
    allKey,
  ],
  tools: [
    tool({
      ...{ name: "pay", description: "Pays.", inputSchema: { type: "object" }, needsApproval: true },
      execute: () => "Paid.",
    }),
  ],
  provider: scriptedProvider(({ messages }) => {
    const said = JSON.stringify(messages).includes(secretOf("own")) ? secretOf("own") : secretOf("rival")
    return [
      { type: "text", text: said },
      { type: "toolCall", name: "pay", input: { said } },
    ]
  }),
})

interface Owned {
  readonly sessionId: string
  readonly runId: string
  readonly scheduleId: string
  readonly toolCallId: string
  readonly nonce: string
}

let own: Owned
let rival: Owned
let before: readonly Answer[]

beforeAll(async () => {
  own = await converse("own")
  rival = await converse("rival")
  before = await readAll(rival)
})
afterAll(() => gateway.close({ graceMs: 0 }))

/** Resolves once a session of the tenant has a schedule, and a call that waits for an approval. */
async function converse(tenant: string): Promise<Owned> {
  const body = { api_key: `a key of the tenant ${tenant}`, user_id: `user-of-${tenant}` }
  const { session_token: token, session_id: sessionId } = (await post(gateway, "/chat/init", { body })).body
  const headers = bearer(token)
  const terms = { name: `schedule-of-${tenant}`, every: "1h", message: secretOf(tenant) }
  const schedule = await post(gateway, "/schedules", { headers, body: terms })
  expect(schedule.status).toBe(201)
  const stream = await gateway.fetch(
    new Request("http://gateway.test/api/chat", {
      ...{ method: "POST", body: JSON.stringify({ message: secretOf(tenant) }) },
      headers: { ...headers, "content-type": "application/json" },
    }),
  )
  const waits = () => gateway.waits.list({ sessionId: String(sessionId) })
  const wait = await eventually("the approval", async () => (await waits())[0] ?? null)
  await stream.body?.cancel()
  const { toolCallId, nonce, runId } = wait
  return { sessionId: String(sessionId), runId, scheduleId: String(schedule.body.id), toolCallId, nonce }
}

type Entry = readonly [string, AnyOperation]
const all: readonly Entry[] = Object.entries<AnyOperation>(operations)
const terms = { every: "1h", message: "Hi." }

/** Inputs beside those in the paths, by the operation. */
const inputs: Readonly<Record<string, (owned: Owned) => object>> = {
  "sessions.compaction": () => ({ seq: "1" }),
  "sessions.attempt": () => ({ attemptId: "latest" }),
  "approvals.answer": ({ sessionId, toolCallId, nonce }) => ({
    ...{ kind: "approval", sessionId, toolCallId, nonce, approved: true },
  }),
  "grants.revoke": () => ({ toolName: "pay" }),
  "schedules.replace": () => ({ terms }),
  "memory.list": () => ({ tenant: "named_rival", user: "user-of-rival" }),
  "memory.forget": () => ({
    ...{ tenant: "named_rival", user: "user-of-rival", entityType: "fact", name: "x", revision: "1" },
  }),
  "memory.forgetAll": () => ({ tenant: "named_rival", user: "user-of-rival" }),
  "schedules.create": () => ({ agent: "agent", name: "new", terms, tenant: "named_rival", user: "ada" }),
  "outbox.retry": () => ({ numbers: [1] }),
  "outbox.drop": () => ({ numbers: [1] }),
}

/** Calls the operation as an operator, for what a tenant owns. */
function call([name, { route }]: Entry, key: string, owned: Owned): Promise<Answer> {
  const [method = "", template = ""] = route.split(" ")
  const input: Record<string, unknown> = { ...owned, ...inputs[name]?.(owned) }
  const path = template.replaceAll(/\{(\w+)\}/g, (_, member: string) => String(input[member]))
  const given = inputs[name]?.(owned) ?? {}
  const rest = Object.entries(given).filter(([member]) => !template.includes(`{${member}}`))
  const query = method === "GET" ? `?${new URLSearchParams(rest as [string, string][])}` : ""
  const body = method === "GET" ? {} : { body: Object.fromEntries(rest) }
  return send(gateway as Gateway, `/operate${path}${query}`, { method, headers: bearer(key), ...body })
}

/** Resolves to what an operator of all tenants reads about the sessions of a tenant. */
function readAll(owned: Owned): Promise<readonly Answer[]> {
  const reading = all.filter(([, { route, tenant }]) => route.startsWith("GET") && tenant === "byId")
  return Promise.all(reading.map((entry) => call(entry, allKey, owned)))
}

const filtered = all.filter(([, { tenant }]) => tenant === "filter")
const byId = all.filter(([, { tenant }]) => tenant === "byId")

describe("18. an operator of one tenant", () => {
  test.each(byId)("finds nothing of another tenant by %s", async (...entry) => {
    const { status, code, body } = await call(entry, ownKey, rival)
    const changesNothing = status === 200 && JSON.stringify(body) === '{"rows":0}'
    expect(changesNothing || status === 404 || code === "tenant_restricted").toBe(true)
    expect(JSON.stringify(body)).not.toMatch(/rival/)
  })

  test.each(filtered)("sees nothing of another tenant in %s", async (...entry) => {
    const { status, code, body } = await call(entry, ownKey, rival)
    expect(status === 200 || code === "tenant_restricted").toBe(true)
    const shown = JSON.stringify(body)
    for (const text of ["rival", rival.sessionId, rival.runId, rival.scheduleId, rival.toolCallId])
      expect(shown).not.toContain(text)
  })

  test("has changed nothing of the other tenant", async () => {
    expect((await gateway.waits.list({ sessionId: rival.sessionId })).map(({ state }) => state)).toEqual([
      "open",
    ])
    expect(await readAll(rival)).toEqual(before)
  })

  test("creates no schedule for a user of the tenant who has its name", async () => {
    const body = { agent: "agent", name: "mine", terms }
    const refused = await post(gateway, "/operate/schedules", { headers: bearer(ownKey), body })
    expect(refused).toMatchObject({ status: 422, code: "invalid_schedule" })
  })

  test("sees what is in its own tenant", async () => {
    const lists = all.filter(([name]) => /^(sessions|runs|schedules|approvals)\.list$/.test(name))
    for (const entry of lists)
      expect(JSON.stringify((await call(entry, ownKey, own)).body)).toContain("user-of-own")
  })
})

const readable = all.filter(([, { access, route }]) => access === "read" && route.startsWith("GET"))

test.each(readable)(
  "19. %s with the scope read alone shows nothing that people or models said",
  async (...entry) => {
    const { status, body } = await call(entry, readKey, own)
    expect(status).toBe(200)
    expect(JSON.stringify(body)).not.toContain("the secret words")
  },
)

const closed = all.filter(([, { access }]) => access !== "read" && access !== "any")

test.each(closed)("19. %s is closed to the scope read alone", async (...entry) => {
  expect(await call(entry, readKey, own)).toMatchObject({ status: 403, code: "scope_missing" })
})

test("19. the scope content opens what people and models said", async () => {
  const events = await send(gateway, `/operate/sessions/${own.sessionId}/events`, { headers: bearer(allKey) })
  expect(JSON.stringify(events.body)).toContain(secretOf("own"))
})

test("20. the console's cookie opens no route of operators and of clients outside the console", async () => {
  // A cookie is only a header for these paths, whatever it contains.
  const headers = { cookie: "agent_gateway_operator=operator.0.9999999999.x", "x-agent-gateway-console": "1" }
  for (const [, { route }] of all) {
    const [method = "", template = ""] = route.split(" ")
    const sent = { method, headers, ...(method === "GET" ? {} : { body: {} }) }
    const refused = await send(gateway, `/operate${template.replaceAll(/\{(\w+)\}/g, "x")}`, sent)
    expect(refused).toMatchObject({ status: 401, code: "invalid_credentials" })
  }
  expect((await send(gateway, "/sessions", { headers })).status).toBe(401)
})

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { openSqliteStore } from "../../src/adapters/stores/sqlite/open.ts"
import { runInProcess } from "../../src/cli/fixtures/run-in-process.ts"
import { isJsonObject, type Json, type JsonObject } from "../../src/core/json/json.ts"
import type { Store } from "../../src/core/ports/store/store.ts"
import { requireStorePart } from "../../src/core/require-store-part.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway, Listener } from "../../src/gateway/gateway.ts"
import { createItemWriter } from "../../src/kernel/sessions/fixtures/outbox.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import type { AnyOperation } from "../../src/operations/operation.ts"
import { type OperationName, operations } from "../../src/operations/operations.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { createMemory, rememberAll } from "../../src/testing/store/memory-fixtures.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { patienceMs } from "../patience.ts"

const operatorKey = "a-key-of-an-operator"
/** The ways to run an operation. `store` is the command line without the gateway's address. */
const ways = ["code", "http", "cli", "store"] as const
type Way = (typeof ways)[number]

const pay = tool({
  name: "pay",
  description: "Pay.",
  inputSchema: { type: "object" },
  needsApproval: true,
  execute: () => "paid",
})

/** The targets of one way, because an operation can change a target only once. */
interface Own {
  readonly approval: {
    readonly sessionId: string
    readonly runId: string
    readonly toolCallId: string
    readonly nonce: string
  }
  readonly granted: string
  readonly open: { readonly sessionId: string; readonly runId: string }
  readonly ended: { readonly sessionId: string; readonly runId: string }
  /** The run of a call without a model. */
  readonly call: string
  readonly scheduleId: string
  readonly rows: readonly number[]
  readonly user: string
}

let folder = ""
let gateway: Gateway
let listener: Listener
let store: Store
const owned = new Map<Way, Own>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "operations-"))
  gateway = createAgent("You pay.", {
    name: "payer",
    provider: scriptedProvider(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes("Hello") || messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: "Hello." }]
        : [{ type: "toolCall", name: "pay", input: { amount: 9 } }],
    ),
    tools: [pay],
    store: folder,
    logger: quiet,
    allowSchedules: true,
    keepRequests: "all",
    operatorKeys: [operatorKey],
    validApiKeys: ["an-api-key-of-clients"],
  })
  await gateway.prepare()
  listener = await gateway.listen({ port: 0 })
  store = await openSqliteStore({ path: folder, clock: systemClock, logger: quiet })
  const write = await createItemWriter(store)
  await write(
    ...ways.flatMap((way) =>
      ["a", "b"].map((id) => ({ id: `${way}-${id}`, kind: `kind-${way}`, payload: id })),
    ),
  )
  for (const way of ways) {
    const claim = { kind: `kind-${way}`, limit: 10, maxBytes: 1_000, leaseMs: 60_000 }
    for (const item of await store.outbox.claim(claim)) {
      await store.outbox.fail(item, { error: "refused", retryInMs: null })
    }
    owned.set(way, await createOwn(way))
  }
})
afterAll(async () => {
  await store.close()
  await listener.close()
  await gateway.close({ graceMs: 0 })
  await rm(folder, { recursive: true, force: true })
})

async function createOwn(way: Way): Promise<Own> {
  const user = `user-${way}`
  const scope = { tenant: "app_default", userId: user, agent: null }
  await rememberAll(
    requireStorePart(store.memory, "memory", "this test"),
    ["a", "b", "c"].map((name) => createMemory(scope, name)),
  )
  const ended = await gateway.run("Hello")
  const { sessionId } = ended
  // The request is kept after the run has ended.
  await vi.waitFor(
    async () => expect((await gateway.operate("sessions.attempts", { sessionId })).items).toHaveLength(1),
    patienceMs,
  )
  const [approval, open, granted] = [await park(), await park(), await park()]
  await gateway.waits.approve(granted, { allowToolType: true })
  await becomes(granted.runId, "completed")
  const { runId: call } = await gateway.tools.call({ tool: "none" })
  const terms = { at: "2100-01-01T00:00:00Z", message: "Look." }
  const owner = { agent: "payer", tenant: "app_default", userId: user }
  const { id } = await gateway.schedules.create({ ...owner, name: "own", terms })
  const { items: rows } = await gateway.operate("outbox.list", { kind: `kind-${way}` })
  return {
    approval,
    granted: granted.sessionId,
    open,
    ended,
    call,
    scheduleId: id,
    rows: rows.map(({ number }) => number),
    user,
  }
}

/** Starts a run that waits for an approval. */
async function park() {
  const { sessionId, runId, outcome } = await gateway.run("Pay.", { park: true })
  expect(outcome).toBe("parked")
  await becomes(runId, "waiting")
  const [wait] = await gateway.waits.list({ sessionId })
  if (wait === undefined) throw new Error("The run does not wait.")
  return { sessionId, runId, toolCallId: wait.toolCallId, nonce: wait.nonce }
}

function becomes(runId: string, state: string): Promise<void> {
  return vi.waitFor(
    async () => expect((await gateway.operate("runs.show", { runId })).state).toBe(state),
    patienceMs,
  )
}

interface Case {
  readonly input: JsonObject
  /** The same on the command line. */
  readonly argv: readonly string[]
  /** If true, it needs a running gateway. */
  readonly needsGateway?: true
  /** If true, it changes nothing, so every way gets the result of the same call. */
  readonly isReading?: true
}

function reading(argv: string, input: JsonObject = {}): Case {
  return { input, argv: argv.split(" "), isReading: true }
}

/** Returns each operation with an input for the way. */
function listCases(way: Way): Readonly<Record<OperationName, Case>> {
  const first = ownOf("code")
  const own = ownOf(way)
  const { scheduleId, user, approval } = own
  const ended = first.ended.sessionId
  const changing = (argv: string, input: JsonObject): Case => ({ input, argv: argv.split(" ") })
  const terms = { every: "1d", message: "Look." }
  return {
    "gateway.info": { ...reading("gateway info"), needsGateway: true },
    "gateway.status": { ...reading("gateway status"), needsGateway: true },
    "gateway.configuration": { ...reading("gateway configuration"), needsGateway: true },
    "toolSources.list": { ...reading("tool-sources list"), needsGateway: true },
    "tools.list": { ...reading("tools list --agent payer", { agent: "payer" }), needsGateway: true },
    "tools.call": {
      ...changing("tools call none --agent payer", { tool: "none", agent: "payer" }),
      needsGateway: true,
    },
    "tools.outcome": {
      ...reading(`tools outcome ${first.call}`, { runId: first.call }),
      needsGateway: true,
    },
    "sandbox.list": { ...reading("sandbox list"), needsGateway: true },
    "sandbox.sessions": { ...reading("sandbox sessions"), needsGateway: true },
    "sessions.list": reading("sessions list --agent payer --limit 3", { agent: "payer", limit: 3 }),
    "sessions.show": reading(`sessions show ${ended}`, { sessionId: ended }),
    "sessions.events": reading(`sessions events ${ended} --after 1`, { sessionId: ended, after: 1 }),
    "sessions.compaction": reading(`sessions compaction ${ended} 2`, { sessionId: ended, seq: 2 }),
    "sessions.attempts": reading(`sessions attempts ${ended}`, { sessionId: ended }),
    "sessions.attempt": reading(`sessions attempt ${ended} latest`, {
      sessionId: ended,
      attemptId: "latest",
    }),
    "sessions.revoke": changing(`sessions revoke ${own.ended.sessionId}`, { sessionId: own.ended.sessionId }),
    "runs.list": reading("runs list --state completed", { state: "completed" }),
    "runs.show": reading(`runs show ${first.ended.runId}`, { runId: first.ended.runId }),
    "runs.cancel": changing(`runs cancel ${own.open.runId}`, { runId: own.open.runId }),
    "waits.list": reading("waits list"),
    "approvals.list": reading("approvals list"),
    "approvals.answer": changing(`approvals approve ${approval.toolCallId} --nonce ${approval.nonce}`, {
      sessionId: approval.sessionId,
      toolCallId: approval.toolCallId,
      nonce: approval.nonce,
      kind: "approval",
      approved: true,
    }),
    "approvals.audit": reading("approvals audit --limit 3", { limit: 3 }),
    "grants.list": reading(`grants list ${first.granted}`, { sessionId: first.granted }),
    "grants.revoke": changing(`grants revoke ${own.granted} --tool-name pay`, {
      sessionId: own.granted,
      toolName: "pay",
    }),
    "schedules.list": reading("schedules list"),
    "schedules.show": reading(`schedules show ${first.scheduleId}`, { scheduleId: first.scheduleId }),
    "schedules.create": {
      input: { agent: "payer", name: `new-${way}`, terms, tenant: "app_default", user },
      argv: [
        ...[
          "schedules",
          "create",
          "--agent",
          "payer",
          "--name",
          `new-${way}`,
          "--terms",
          JSON.stringify(terms),
        ],
        ...["--tenant", "app_default", "--user", user],
      ],
      needsGateway: true,
    },
    "schedules.replace": {
      input: { scheduleId, terms },
      argv: ["schedules", "replace", scheduleId, "--terms", JSON.stringify(terms)],
    },
    "schedules.pause": changing(`schedules pause ${scheduleId}`, { scheduleId }),
    "schedules.resume": changing(`schedules resume ${scheduleId}`, { scheduleId }),
    "schedules.run": changing(`schedules run ${scheduleId}`, { scheduleId }),
    "schedules.remove": changing(`schedules remove ${scheduleId}`, { scheduleId }),
    "memory.owners": reading("memory owners"),
    "memory.list": reading("memory list --user user-code --limit 2", { user: "user-code", limit: 2 }),
    "memory.forget": changing(`memory forget a --user ${user}`, { user, name: "a" }),
    "memory.forgetAll": changing(`memory forget-all --user ${user}`, { user }),
    "outbox.list": reading("outbox list --state dead", { state: "dead" }),
    "outbox.retry": changing(`outbox retry ${own.rows[0]}`, { numbers: own.rows.slice(0, 1) }),
    "outbox.drop": changing(`outbox drop ${own.rows.join(" ")}`, { numbers: own.rows }),
  }
}

function ownOf(way: Way): Own {
  const own = owned.get(way)
  if (own === undefined) throw new Error(`There is nothing for ${way}.`)
  return own
}

/** Runs the operation in one way. Resolves to its result, or to the message of its failure. */
async function run(way: Way, name: OperationName, { input, argv }: Case): Promise<Json> {
  switch (way) {
    case "code":
      return gateway.operate(name, input as never).then(
        (result) => JSON.parse(JSON.stringify(result)),
        (error: Error) => error.message,
      )
    case "http":
      return send(operations[name], input)
    case "cli":
    case "store": {
      const place = way === "store" ? ["--store", folder] : ["--url", listener.apiUrl]
      const { code, stdout, stderr } = await runInProcess([...argv, ...place, "--json"], {
        cwd: folder,
        env: { AGENT_GATEWAY_OPERATOR_KEY: operatorKey },
      })
      return code === 0 ? JSON.parse(stdout) : stderr.replace(/^agent-gateway: /, "").trimEnd()
    }
    default:
      return way satisfies never
  }
}

async function send({ route }: AnyOperation, input: JsonObject): Promise<Json> {
  const [method = "", template = ""] = route.split(" ")
  const path = template.replaceAll(/\{(\w+)\}/g, (_, member) => String(input[member]))
  const rest = Object.entries(input).filter(([member]) => !template.includes(`{${member}}`))
  const query = new URLSearchParams()
  for (const [member, value] of rest) query.set(member, String(value))
  const response = await fetch(`${listener.apiUrl}/operate${path}${method === "GET" ? `?${query}` : ""}`, {
    method,
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    ...(method === "POST" && { body: JSON.stringify(Object.fromEntries(rest)) }),
  })
  const answer = (await response.json()) as Json
  return response.ok ? answer : isJsonObject(answer) ? (answer.detail ?? null) : answer
}

/** Returns the result without what differs between the ways: ids, times, numbers, and names that contain the way. */
function withoutOwn(result: Json, way: Way): Json {
  const text = JSON.stringify(result)
    .replaceAll(/"(sess|run|call|sched)\w*_[0-9a-z]+"/g, '"ID"')
    .replaceAll(/\b1\d{12}\b/g, "0")
    .replace(/"number":\d+/, '"number":0')
    .replaceAll(new RegExp(`(?<=user-|new-)${way}`, "g"), "WAY")
  return JSON.parse(text)
}

it("has a case for each operation", () => {
  expect(Object.keys(listCases("code")).sort()).toEqual(Object.keys(operations).sort())
})

/** Reading comes first, because a change may have effects later. */
const isChange = (name: OperationName) => operations[name].route.startsWith("POST")
const all = Object.keys(operations) as OperationName[]
const names = [...all.filter((name) => !isChange(name)), ...all.filter(isChange)]

describe.each(names)("%s", (name) => {
  it("has the same result in code, over HTTP, with the command line, and with it on the store", async () => {
    const results = new Map<Way, Json>()
    for (const way of ways) {
      const each = listCases(way)[name]
      const result = await run(way, name, each)
      if (way === "store" && each.needsGateway) expect(result).toContain("needs a running gateway")
      else results.set(way, each.isReading ? result : withoutOwn(result, way))
    }
    const [expected, ...others] = [...results.values()]
    expect(expected).not.toBe("")
    for (const result of others) expect(result).toEqual(expected)
  })
})

it("sessions show --request shows the request of a model attempt, also from the store alone", async () => {
  const { sessionId } = ownOf("code").ended
  const expected = await gateway.operate("sessions.show", { sessionId, request: "latest" })
  expect(JSON.stringify(expected.request?.body)).toContain("Hello")
  for (const place of [
    ["--store", folder],
    ["--url", listener.apiUrl],
  ]) {
    for (const request of ["latest", expected.request?.id ?? ""]) {
      const { stdout } = await runInProcess(["sessions", "show", sessionId, "--request", request, ...place], {
        cwd: folder,
        env: { AGENT_GATEWAY_OPERATOR_KEY: operatorKey },
      })
      const { body } = JSON.parse(stdout.slice(stdout.indexOf("\n{") + 1))
      expect(body).toEqual(expected.request?.body)
    }
  }
})

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { startTestServer, type TestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import { openPostgresStore } from "../../adapters/stores/postgres/open.ts"
import { openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import { logVersion } from "../../core/log/entries.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { ToolContext, ToolOutcome } from "../../core/ports/tools/tool.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  patience,
  putAccepted,
  readWholeHistory,
  silentLogger,
  startTestNode,
  type TestNode,
} from "./fixtures/test-gateway.ts"

const former = logVersion - 1
const decidedBy = { via: "code", tenant: null, userId: "ops", address: null } as const
const form = { mode: "form", message: "Who?", schema: { type: "object" } } as const
let server: TestServer
let directory = ""
beforeAll(async () => {
  server = await startTestServer()
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterAll(async () => {
  await server.stop()
  rmSync(directory, { recursive: true })
})

/** Opens the store of a process that reads the log up to the given version. */
type Open = (name: string, readsVersion: number) => Promise<Store>

const options = { clock: systemClock, logger: silentLogger }
const databases = new Set<string>()
const stores: readonly (readonly [string, Open])[] = [
  [
    "SQLite",
    (name, readsVersion) => openSqliteStore({ path: join(directory, name), readsVersion, ...options }),
  ],
  [
    "Postgres",
    async (name, readsVersion) => {
      if (!databases.has(name)) await server.createDatabase(name)
      databases.add(name)
      return openPostgresStore({ url: server.urlOf(name), ttlMs: 8_000, readsVersion, ...options })
    },
  ],
]

/** Returns a tool that sleeps once. */
const sleeping =
  (ms: number) =>
  (_: unknown, { answered }: ToolContext): ToolOutcome => {
    if (answered !== null) return { type: "json", value: "awake" }
    return { type: "wait", kind: "timer", until: Date.now() + ms, continuation: {} }
  }

const tools = [
  createAnyTool("pay", (input) => ({ type: "json", value: { paid: input } }), { needsApproval: true }),
  createAnyTool("where", () => Promise.reject(new Error()), { executionLocation: "client" }),
  createAnyTool("book", (_, { answered }) =>
    answered === null
      ? { type: "wait", kind: "elicitation", question: form, continuation: { step: 1 } }
      : { type: "json", value: JSON.parse(JSON.stringify(answered)) },
  ),
  createAnyTool("track", (_, { emit }) => {
    emit({ type: "data", name: "progress", value: 1 })
    return { type: "json", value: "tracked" }
  }),
  createAnyTool("nap", sleeping(50)),
  createAnyTool("doze", sleeping(3_000)),
]

interface Process extends TestNode {
  readonly store: Store
  end(): Promise<void>
}

/** Starts a process of one version. Its model calls the tool that the user names. */
async function start(open: Open, name: string, readsVersion: number): Promise<Process> {
  const store = await open(name, readsVersion)
  const provider = scriptedProvider((request) => {
    const last = request.messages.at(-1)
    const part = last?.role === "user" ? last.content[0] : undefined
    return part?.type === "text"
      ? [{ type: "toolCall", name: part.text, input: { n: 1 } }]
      : [{ type: "text", text: "Done" }]
  })
  const node = await startTestNode(provider, { store, tools })
  const end = async () => {
    await node.stop(0)
    await store.close()
  }
  return { ...node, store, end }
}

async function begin(node: Process, tool: string) {
  const { id } = await node.sessions.create(alice)
  const { runId } = await putAccepted(node, id, tool)
  return { id, runId }
}

async function openWait(node: Process, sessionId: string): Promise<Wait> {
  const find = async () => (await node.sessions.openWaits({ sessionId }))[0]
  await vi.waitFor(async () => expect(await find()).toBeDefined(), patience)
  const wait = await find()
  if (wait === undefined) throw new Error("Nothing waits.")
  return wait
}

async function answer(node: Process, sessionId: string): Promise<void> {
  const wait = await openWait(node, sessionId)
  const { toolCallId, nonce } = wait
  const target = { sessionId, toolCallId, nonce, decidedBy }
  const outcome =
    wait.kind === "approval"
      ? await node.sessions.decide({ ...target, approved: true })
      : wait.kind === "clientTool"
        ? await node.sessions.submitResult({ ...target, result: { type: "json", value: "Rome" } })
        : await node.sessions.respond({ ...target, action: "accept", content: { name: "Ada" } })
  expect(outcome).toMatchObject({ status: "accepted" })
}

async function resultOf(node: Process, { id, runId }: { readonly id: string; readonly runId: string }) {
  const { outcome } = await node.sessions.result(id, runId, {})
  expect(outcome).toMatchObject({ type: "runCompleted", disposition: "completed" })
  const { messages } = await readWholeHistory(node.sessions, id)
  const told = messages.find(({ role }) => role === "tool")
  return told?.role === "tool" ? told.results[0]?.result : null
}

const asking = ["pay", "where", "book"]

describe.each(stores)("on %s", (_, open) => {
  it("a rolling upgrade and its rollback finish every run, and refuse no session while both versions live", async () => {
    const name = "rolling"
    const stays = await start(open, name, former)
    const replaced = await start(open, name, former)
    const before = await Promise.all(asking.map((tool) => begin(replaced, tool)))
    for (const { id } of before) await openWait(stays, id)
    await replaced.end()

    const upgraded = await start(open, name, logVersion)
    expect(upgraded.log.writableVersion()).toBe(former)
    const during = await Promise.all(asking.map((tool) => begin(upgraded, tool)))
    const napping = await begin(upgraded, "nap")
    const tracking = await begin(upgraded, "track")
    const clientTools = [{ name: "locate", description: "Locates.", inputSchema: { type: "object" } }]
    await expect(putAccepted(upgraded, napping.id, "nap", { clientTools })).rejects.toMatchObject({
      code: "upgrade_in_progress",
      status: 503,
    })
    const stayed = await Promise.all(asking.map((tool) => begin(stays, tool)))
    // A wait that one version opened is answered by the other one.
    for (const { id } of before.slice(0, 2)) await answer(upgraded, id)
    for (const { id } of stayed.slice(0, 2)) await answer(upgraded, id)
    for (const { id } of during.slice(0, 2)) await answer(stays, id)
    const results = [before, stayed, during].flatMap((runs) => runs.slice(0, 2))
    for (const run of results) await resultOf(stays, run)
    expect(await resultOf(stays, napping)).toMatchObject({ code: "upgrade_in_progress" })
    expect(await resultOf(stays, tracking)).toMatchObject({ value: "tracked" })
    for (const [, , run] of [before, stayed, during]) await openWait(stays, run?.id ?? "")
    await upgraded.end()

    const rolledBack = await start(open, name, former)
    const left = [before, stayed, during].map(([, , run]) => run)
    for (const run of left) {
      if (run === undefined) throw new Error("A run is missing.")
      await answer(rolledBack, run.id)
      expect(await resultOf(stays, run)).toMatchObject({ value: { content: { name: "Ada" } } })
    }
    for (const { id } of [...before, ...stayed, ...during, napping, tracking]) {
      const entries = await stays.log.read(id, { afterSeq: 0, limit: 1_000, deltas: false })
      expect(Math.max(...entries.map((entry) => (entry.kind === "event" ? entry.v : 0)))).toBe(former)
    }
    await rolledBack.end()
    await stays.end()
  }, 180_000)

  it("newer forms are written once no older process is live, and an older one refuses those sessions", async () => {
    const name = "upgraded"
    const old = await start(open, name, former)
    const upgraded = await start(open, name, logVersion)
    const plain = await begin(upgraded, "none")
    await resultOf(upgraded, plain)
    await old.end()
    await vi.waitFor(() => expect(upgraded.log.writableVersion()).toBe(logVersion), patience)
    const run = await begin(upgraded, "nap")
    expect(await resultOf(upgraded, run)).toEqual({ type: "json", value: "awake" })
    const late = await start(open, name, former)
    const refused = { code: "log_too_new", status: 503, retryable: true }
    const { sessions } = late
    const calls = [
      () => sessions.session(run.id),
      () => putAccepted(late, run.id, "pay"),
      () => sessions.cancel(run.id, null),
      () => readWholeHistory(sessions, run.id),
      () => sessions.result(run.id, run.runId, {}),
      () => sessions.revoke(run.id),
      () => late.log.read(run.id, { afterSeq: 0, limit: 99 }),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject(refused)
    expect(await sessions.session(plain.id)).toMatchObject({ id: plain.id })
    await late.end()
    await upgraded.end()
  }, 180_000)

  it("a sleeping run is finished once by another process after its own has ended", async () => {
    const name = "sleeping"
    const first = await start(open, name, logVersion)
    const run = await begin(first, "doze")
    await openWait(first, run.id)
    await vi.waitFor(() => expect(first.worker.activeRuns).toBe(0), patience)
    await first.end()
    const second = await start(open, name, logVersion)
    expect(await resultOf(second, run)).toEqual({ type: "json", value: "awake" })
    const entries = await second.log.read(run.id, { afterSeq: 0, limit: 1_000, deltas: false })
    const types = entries.map((entry) => (entry.kind === "event" ? entry.event.type : "delta"))
    for (const type of ["waitOpened", "waitResolved", "toolCallCompleted", "runCompleted"]) {
      expect(types.filter((each) => each === type)).toHaveLength(1)
    }
    expect(types.filter((each) => each === "toolCallStarted")).toHaveLength(2)
    await second.end()
  }, 180_000)
})

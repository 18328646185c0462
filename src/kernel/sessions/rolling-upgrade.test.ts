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
const hour = 3_600_000
const next = logVersion + 1
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
  createAnyTool("doze", sleeping(3_000)),
  createAnyTool("look", () => ({ type: "json", value: "seen" })),
]

const callOfLook = { call: { tool: "look", input: {}, origin: { type: "code" } } } as const

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

/** Sends another message, after which the model calls a tool that does not exist. */
async function again(node: Process, id: string) {
  const { runId } = await putAccepted(node, id, "none")
  return { id, runId }
}

async function openWait(node: Process, sessionId: string): Promise<Wait> {
  const find = async () => (await node.sessions.openWaits({ sessionId }))[0]
  await vi.waitFor(async () => expect(await find()).toBeDefined(), patience)
  const wait = await find()
  if (wait === undefined) throw new Error("Nothing waits.")
  return wait
}

async function resultOf(node: Process, { id, runId }: { readonly id: string; readonly runId: string }) {
  const { outcome } = await node.sessions.result(id, runId, {})
  expect(outcome).toMatchObject({ type: "runCompleted", disposition: "completed" })
  const { messages } = await readWholeHistory(node.sessions, id)
  const told = messages.find(({ role }) => role === "tool")
  return told?.role === "tool" ? told.results[0]?.result : null
}

describe.each(stores)("on %s", (_, open) => {
  it("a process writes no newer form than all live processes read, of either version", async () => {
    const name = "rolling"
    const stays = await start(open, name, logVersion)
    const upgraded = await start(open, name, next)
    expect(upgraded.log.writableVersion()).toBe(logVersion)
    const runs = [await begin(stays, "none"), await begin(upgraded, "none")]
    for (const run of runs) {
      await resultOf(stays, run)
      await resultOf(upgraded, run)
    }
    await stays.end()
    await vi.waitFor(() => expect(upgraded.log.writableVersion()).toBe(next), patience)
    const rolledBack = await start(open, name, logVersion)
    await vi.waitFor(() => expect(upgraded.log.writableVersion()).toBe(logVersion), patience)
    await rolledBack.end()
    await upgraded.end()
  })

  it("an older process refuses sessions with newer forms, and no others", async () => {
    const name = "upgraded"
    const upgraded = await start(open, name, logVersion)
    const { id } = await upgraded.sessions.create(alice)
    const run = { id, ...(await putAccepted(upgraded, id, "", callOfLook)) }
    await upgraded.sessions.result(run.id, run.runId, {})
    const { id: queued } = await upgraded.sessions.create(alice)
    const waiting = await putAccepted(upgraded, queued, "", { ...callOfLook, notBefore: Date.now() + hour })
    const plain = await begin(upgraded, "none")
    await resultOf(upgraded, plain)
    const late = await start(open, name, former)
    const refused = { code: "log_too_new", status: 503, retryable: true }
    const { sessions } = late
    const calls = [
      () => sessions.session(run.id),
      () => putAccepted(late, run.id, "none"),
      () => sessions.cancel(run.id, null),
      () => readWholeHistory(sessions, run.id),
      () => sessions.result(run.id, run.runId, {}),
      () => sessions.revoke(run.id),
      () => late.log.read(run.id, { afterSeq: 0, limit: 99 }),
      () => sessions.session(queued),
      () => sessions.cancel(queued, waiting.runId),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject(refused)
    await resultOf(late, await again(late, plain.id))
    await late.end()
    await upgraded.end()
  })

  it("a process starts no call without a model while an older process lives", async () => {
    const name = "calls"
    const upgraded = await start(open, name, logVersion)
    const older = await start(open, name, former)
    await vi.waitFor(() => expect(upgraded.log.writableVersion()).toBe(former), patience)
    const { id } = await upgraded.sessions.create(alice)
    const call = () => putAccepted(upgraded, id, "", callOfLook)
    await expect(call()).rejects.toMatchObject({ code: "upgrade_in_progress", status: 503, retryable: true })
    await resultOf(older, await again(older, id))
    await older.end()
    await vi.waitFor(() => expect(upgraded.log.writableVersion()).toBe(logVersion), patience)
    const { runId } = await call()
    const { outcome } = await upgraded.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ type: "runCompleted", disposition: "completed" })
    await upgraded.end()
  })

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
  })
})

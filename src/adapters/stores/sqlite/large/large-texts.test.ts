import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, it, onTestFinished, vi } from "vitest"
import type { Store } from "../../../../core/ports/store/store.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openRun,
  openSession,
  requireAcceptedPut,
  runFailed,
  runStarted,
  startSession,
  toSeq,
} from "../../../../testing/session-log/fixtures.ts"
import { openSqliteStore } from "../open.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const content = [{ type: "text", text: 'x"名\ud83d'.repeat(250_000) }] as const
const input = { type: "message", content } as const

async function open() {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-large-texts-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  let now = 1_000_000
  const store = await openSqliteStore({ path, clock: { now: () => now }, logger })
  onTestFinished(() => store.close())
  const file = new DatabaseSync(join(path, "gateway.db"))
  onTestFinished(() => file.close())
  const count = (table: string) => Number(file.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count)
  return {
    ...store,
    file,
    count,
    /** The longest value of a row that is not a chunk. */
    longest: (table: string) =>
      Number(file.prepare(`SELECT max(octet_length(body)) AS length FROM ${table}`).get()?.length),
    wait(ms: number) {
      now += ms
    },
  }
}

const prune = ({ log }: Pick<Store, "log">) => log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 0 })

it("keeps a large message and its event in chunks, and removes the chunks of the consumed message", async () => {
  const store = await open()
  const { log } = store
  const sessionId = await openSession(log)
  const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId, { input })))
  expect(store.longest("command")).toBeLessThan(1_000)
  const ofMessage = store.count("content_chunk")
  expect(ofMessage).toBeGreaterThan(5)
  const lease = await claimSession(log, sessionId)
  await openRun(log, lease)
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), runId, { ...runStarted, content })] })
  expect(store.longest("entry")).toBeLessThan(1_000)
  await vi.waitUntil(() => store.count("content_chunk") === ofMessage)
  const [entry] = await log.read(sessionId, { afterSeq: 0, limit: 10 })
  expect(entry).toMatchObject({ event: { content } })
  expect((await log.session(sessionId))?.storedBytes).toBeGreaterThan(2_000_000)
})

it("stores no chunks of a message that is refused, and none of the form that was not used", async () => {
  const store = await open()
  const { log } = store
  const { sessionId } = await startSession(log)
  expect((await log.put(createMessage(sessionId, { input }))).status).toBe("busy")
  expect(store.count("unused_text")).toBe(0)
  const conversation = { type: "conversation", messages: [{ role: "user", content }] } as const
  const queued = createMessage(sessionId, { input: conversation, whenBusy: "queue" })
  requireAcceptedPut(await log.put(queued))
  expect(store.count("unused_text")).toBe(1)
  await prune(store)
  expect(store.count("unused_text")).toBe(0)
  const chunks = store.count("content_chunk")
  await log.put({ type: "cancel", sessionId, runId: queued.runId, at: 0 })
  await prune(store)
  expect([chunks > 5, store.count("content_chunk")]).toEqual([true, 0])
})

it("removes the chunks that a killed process left, but not while their transaction may come", async () => {
  const store = await open()
  const { file } = store
  const sessionId = await openSession(store.log)
  file.exec(`INSERT INTO unused_text VALUES ('text', '${sessionId}', 1000000)`)
  file.exec(
    `INSERT INTO content_chunk (session_id, content_id, number, body) VALUES ('${sessionId}', 'text', 0, x'00')`,
  )
  store.wait(599_000)
  await prune(store)
  expect(store.count("content_chunk")).toBe(1)
  store.wait(2_000)
  await prune(store)
  expect([store.count("content_chunk"), store.count("unused_text")]).toEqual([0, 0])
})

it("removes the chunks of an event that is archived or whose session is removed", async () => {
  const store = await open()
  const { log, archive } = store
  const { sessionId, runId, lease } = await startSession(log)
  const replaced = { type: "historyReplaced", messages: [{ role: "user", content }] } as const
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1), runId, replaced)] })
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 2), runId, replaced)] })
  const before = await log.read(sessionId, { afterSeq: 0, limit: 10 })
  const chunks = store.count("content_chunk")
  await archive.move(sessionId, { beforeSeq: toSeq(lease, 2) })
  await prune(store)
  expect(store.count("content_chunk")).toBe(chunks / 2)
  expect(await log.read(sessionId, { afterSeq: 0, limit: 10 })).toEqual(before)
  const runEnded = { runId, state: "failed" } as const
  await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 3), runId, runFailed)], runEnded })
  await log.release(lease)
  await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 1e15 })
  expect(store.count("content_chunk")).toBe(0)
})

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setImmediate as nextTurn } from "node:timers/promises"
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  requireAcceptedPut,
  stepStarted,
  toSeq,
} from "../../../../testing/session-log/fixtures.ts"
import { createSoleMembership } from "../leases/membership.ts"
import { migrate } from "../migrate.ts"
import { openStore } from "../open.ts"
import { type Database, openDatabase } from "./database.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const clock = { now: () => 1_000 }

let directory = ""
let file = ""
let database: Database
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
  file = join(directory, "gateway.db")
  database = await openDatabase(file, "process")
  await migrate(database, file)
})
afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

const count = () => database.read(() => database.get("SELECT count(*) AS count FROM removed_session")?.count)
const insert = (id: string) => database.run("INSERT INTO removed_session (id) VALUES (?)", id)

test("a full disk refuses new data, keeps existing data, and is used again once there is space", async () => {
  const { log } = await openStore(database, createSoleMembership(), { clock, logger, directory: null })
  const sessionId = await openSession(log)
  const pages = Number((await database.read(() => database.get("PRAGMA page_count")))?.page_count)
  await database.read(() => database.get(`PRAGMA max_page_count = ${pages + 2}`))
  const large = createMessage(sessionId, { context: { large: "x".repeat(100_000) } })
  const failure: unknown = await log.put(large).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StoreUnavailableError)
  expect(failure).toMatchObject({ cause: { errcode: 13 }, detail: "database or disk is full" })
  expect(await log.session(sessionId)).toMatchObject({ activeRun: null })
  const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
  const lease = await claimSession(log, sessionId)
  const entry = createEvent(toSeq(lease, 1), runId, { ...stepStarted, stepId: "x".repeat(100_000) })
  await expect(log.commit([{ lease, entries: [entry] }])).rejects.toBeInstanceOf(StoreUnavailableError)
  await database.read(() => database.get("PRAGMA max_page_count = 1000000"))
  await commitOk(log, { lease, entries: [entry] })
  expect(await log.read(sessionId, { afterSeq: 0, limit: 10 })).toEqual([entry])
})

test("a write waits for another process without blocking the event loop, and keeps its order", async () => {
  const other = new DatabaseSync(file, { timeout: 0 })
  other.exec("BEGIN IMMEDIATE")
  const done: string[] = []
  const writes = ["a", "b", "c"].map((id) => database.write(() => done.push(id) && insert(id)))
  for (let turn = 0; turn < 100; turn += 1) await nextTurn()
  expect(done).toEqual([])
  expect(await count()).toBe(0)
  other.exec("COMMIT")
  await Promise.all(writes)
  expect(done).toEqual(["a", "b", "c"])
  other.close()
})

test("a database that stays busy is unavailable after some time, for all waiting writes", async () => {
  const other = new DatabaseSync(file, { timeout: 0 })
  other.exec("BEGIN IMMEDIATE")
  vi.useFakeTimers({ toFake: ["setTimeout"] })
  onTestFinished(() => void vi.useRealTimers())
  const waiting = ["a", "b", "c"].map((id) => database.write(() => insert(id)))
  const settled = Promise.allSettled(waiting)
  await nextTurn()
  // All writes share one time limit. None has to wait for the limits of the writes before it.
  await vi.advanceTimersByTimeAsync(2_100)
  const writes = await settled
  for (const write of writes) {
    expect(write).toMatchObject({
      status: "rejected",
      reason: { code: "store_unavailable", cause: { errcode: 5 } },
    })
  }
  other.close()
  await database.write(() => insert("d"))
  expect(await count()).toBe(1)
})

test("writes wait while the checkpoint thread holds them back, and reads do not", async () => {
  Atomics.store(database.hold.memory, 0, 1)
  let isStored = false
  const stored = database.write(() => insert("a")).then(() => (isStored = true))
  for (let turn = 0; turn < 100; turn += 1) await nextTurn()
  expect(await count()).toBe(0)
  expect(isStored).toBe(false)
  database.hold.clear()
  await stored
  expect(await count()).toBe(1)
})

test("a transaction that throws stores nothing, and the next one works", async () => {
  const failing = database.write(() => {
    insert("a")
    throw new RangeError("wrong")
  })
  await expect(failing).rejects.toThrow(RangeError)
  expect(await count()).toBe(0)
  await database.write(() => insert("b"))
  expect(await count()).toBe(1)
})

test("after it is closed the database is unavailable", async () => {
  database.close()
  database.close()
  await expect(database.read(() => database.get("SELECT 1"))).rejects.toBeInstanceOf(StoreUnavailableError)
  await expect(database.write(() => insert("a"))).rejects.toBeInstanceOf(StoreUnavailableError)
})

test("full durability waits for the disk at every commit", async () => {
  const synchronous = (each: Database) => each.read(() => each.get("PRAGMA synchronous")?.synchronous)
  expect(await synchronous(database)).toBe(1)
  const full = await openDatabase(file, "full")
  expect(await synchronous(full)).toBe(2)
  full.close()
})

test("the rows of removed sessions are deleted even if a process that has ended started it", async () => {
  const { log } = await openStore(database, createSoleMembership(), { clock, logger, directory: null })
  const sessionId = await openSession(log)
  const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
  await database.write(() => {
    insert(sessionId)
    database.run("DELETE FROM session WHERE id = ?", sessionId)
  })
  expect(await log.run(sessionId, runId)).not.toBeNull()
  await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 0 })
  expect(await log.run(sessionId, runId)).toBeNull()
  expect(await count()).toBe(0)
})

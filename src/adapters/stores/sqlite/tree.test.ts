import { expect, onTestFinished, test } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import { systemClock } from "../../../core/time/clock.ts"
import {
  cancel,
  commitOk,
  createEvent,
  runStarted,
  startSession,
  toSeq,
} from "../../../testing/session-log/fixtures.ts"
import { type Database, openDatabase } from "./database/database.ts"
import { createSoleMembership } from "./leases/membership.ts"
import { migrate } from "./migrate.ts"
import { openStore } from "./open.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Opens a store that counts the statements of each of its transactions, and can fail in one of them. */
async function openRecorded() {
  const database = await openDatabase(":memory:", "process")
  await migrate(database, "in memory")
  const statements: number[] = []
  const failing = { at: Number.POSITIVE_INFINITY }
  let count = 0
  const recording: Database = {
    ...database,
    get(...query) {
      count++
      return database.get(...query)
    },
    run(...query) {
      count++
      return database.run(...query)
    },
    async write(work, options) {
      if (statements.length >= failing.at) throw new StoreUnavailableError()
      let own = 0
      const result = await database.write(() => {
        const before = count
        const done = work()
        own = count - before
        return done
      }, options)
      statements.push(own)
      return result
    },
  }
  const store = await openStore(recording, createSoleMembership(), {
    clock: systemClock,
    logger,
    directory: null,
  })
  onTestFinished(() => store.close())
  return { database, statements, failing, ...store }
}

type Opened = Awaited<ReturnType<typeof openRecorded>>

/** Inserts `width` live children below a run, each with as many children, down to `depth` levels. */
function insertTree(
  database: Database,
  parent: { readonly sessionId: string; readonly runId: string },
  size: { readonly width: number; readonly depth: number },
): void {
  const { width, depth } = size
  if (depth === 0) return
  for (let index = 0; index < width; index++) {
    const [sessionId, runId] = [`${parent.sessionId}.${index}`, `${parent.runId}.${index}`]
    database.run(
      `INSERT INTO session (id, tenant, user_id, agent, created_at, last_used_at, parent_session_id, parent_run_id,
         parent_tool_call_id, root_id, depth, active_run)
       SELECT ?, tenant, user_id, agent, created_at, last_used_at, id, ?, 'call', coalesce(root_id, id), depth + 1, ?
       FROM session WHERE id = ?`,
      sessionId,
      parent.runId,
      runId,
      parent.sessionId,
    )
    database.run(
      `INSERT INTO run (id, session_id, cursor, state, created_at, tenant, user_id)
       SELECT ?, id, 0, 'open', 0, tenant, user_id FROM session WHERE id = ?`,
      runId,
      sessionId,
    )
    insertTree(database, { sessionId, runId }, { width, depth: depth - 1 })
  }
}

const countCanceled = (database: Database) =>
  Number(database.get("SELECT count(DISTINCT session_id) AS count FROM command WHERE type = 'cancel'")?.count)

const ways = [
  [
    "a cancel",
    (log: Opened["log"], { sessionId, runId }: { sessionId: string; runId: string }) =>
      log.put(cancel(sessionId, runId)),
  ],
  [
    "a revocation",
    (log: Opened["log"], { sessionId }: { sessionId: string }) => log.revokeSession(sessionId, 9_000),
  ],
] as const

const width = 20
const depth = 3
const descendants = 20 + 20 ** 2 + 20 ** 3

test.each(ways)("%s of thousands of descendants takes many short transactions", async (_, act) => {
  const { database, statements, log } = await openRecorded()
  const parent = await startSession(log)
  await database.write(() => insertTree(database, parent, { width, depth }))
  statements.splice(0)
  await act(log, parent)
  expect(countCanceled(database)).toBe(descendants + 1)
  // Together they need tens of thousands.
  expect(Math.max(...statements)).toBeLessThan(300)
})

test.each(ways)("%s that fails halfway is not acknowledged, and can be repeated", async (_, act) => {
  const { database, statements, failing, log } = await openRecorded()
  const parent = await startSession(log)
  await database.write(() => insertTree(database, parent, { width, depth: 2 }))
  failing.at = statements.length + 3
  await expect(act(log, parent)).rejects.toThrow(StoreUnavailableError)
  expect(await log.pending(parent.lease)).toEqual([])
  failing.at = Number.POSITIVE_INFINITY
  await act(log, parent)
  expect(countCanceled(database)).toBe(20 + 20 ** 2 + 1)
})

test("a cancel that is refused reaches no run below", async () => {
  const { database, log } = await openRecorded()
  const parent = await startSession(log)
  await database.write(() => insertTree(database, parent, { width, depth: 2 }))
  expect(await log.put(cancel(parent.sessionId, "run_other"))).toEqual({ status: "unknown" })
  expect(countCanceled(database)).toBe(0)
})

test("a cancel in the outbox of many descendants takes many short transactions", async () => {
  const { database, statements, log, outbox } = await openRecorded()
  const parent = await startSession(log)
  await database.write(() => insertTree(database, parent, { width, depth }))
  const [sessionId, runId] = [`${parent.sessionId}.0`, `${parent.runId}.0`]
  const item = {
    id: "cancel",
    kind: "command",
    payload: { type: "put", command: cancel(sessionId, runId) },
  } as const
  await commitOk(log, {
    lease: parent.lease,
    entries: [createEvent(toSeq(parent.lease, 1), parent.runId, runStarted)],
    outbox: [item],
  })
  statements.splice(0)
  const [delivery] = await outbox.deliverCommands({ limit: 10 })
  expect(delivery?.result).toEqual({ type: "delivered" })
  expect(countCanceled(database)).toBe(1 + 20 + 20 ** 2)
  expect(Math.max(...statements)).toBeLessThan(300)
})

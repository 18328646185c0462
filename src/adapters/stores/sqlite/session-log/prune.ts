import { setTimeout as delay } from "node:timers/promises"
import type { PruneLimits } from "../../../../core/ports/store/prune-limits.ts"
import { escapeText, readInteger, readText } from "../../rows/columns.ts"
import { removedSessionPrefix, selectRemovedSessions } from "../../rows/removed-session.ts"
import type { Database } from "../database/database.ts"

/** Maximum rows that one statement deletes. */
const slice = 50
/**
 * Milliseconds after which a transaction starts no further step, because it blocks the event loop (rule 15) and the
 * database.
 */
const transactionMs = 4
/** Milliseconds of the pause after a transaction, which leaves the event loop and the disk to the streams. */
const pauseMs = 4

/** Drops the deltas before each settling event that is older than the limit (rule 6). */
export async function pruneDeltas(database: Database, settledBefore: number): Promise<void> {
  await repeatInTransactions(database, () => pruneSettled(database, settledBefore))
}

/**
 * Repeats `step`, which returns false when nothing is left to do. Many steps share a transaction. With one
 * transaction for each step, at most some hundred steps a second would be settled, fewer than a busy server
 * completes.
 */
async function repeatInTransactions(database: Database, step: () => boolean): Promise<void> {
  const stepUntilFull = () => {
    const end = performance.now() + transactionMs
    while (step()) if (performance.now() >= end) return true
    return false
  }
  while (await database.write(stepUntilFull)) await delay(pauseMs)
}

function pruneSettled(database: Database, settledBefore: number): boolean {
  const settled = database.get(
    "SELECT session_id, seq FROM settled WHERE at < ? ORDER BY at LIMIT 1",
    settledBefore,
  )
  if (settled === undefined) return false
  const sessionId = readText(settled, "session_id")
  const seq = readInteger(settled, "seq")
  const deleted = database.run(
    `DELETE FROM delta WHERE session_id = ? AND seq IN
       (SELECT seq FROM delta WHERE session_id = ? AND seq < ? LIMIT ${slice})`,
    sessionId,
    sessionId,
    seq,
  )
  if (deleted < slice) database.run("DELETE FROM settled WHERE session_id = ? AND seq <= ?", sessionId, seq)
  return true
}

/** Tables in which a session may have many rows, each with the column that numbers the rows. */
const numbered = [
  ["entry", "seq"],
  ["delta", "seq"],
  ["settled", "seq"],
  ["wait", "id"],
  ["audit", "id"],
  ["content_chunk", "row"],
  ["snapshot_row", "row"],
  ["archived_body", "seq"],
  ["kept_request", "number"],
] as const

/** SQL: sessions that are kept as long as others, or for a time of their own. */
const keptRoots = {
  asOthers: { condition: "true", endsAt: "root.last_used_at", keptMs: "0" },
  forOwnTime: {
    condition: "root.keep_ms IS NOT NULL",
    endsAt: "root.last_used_at + root.keep_ms",
    keptMs: "root.keep_ms",
  },
} as const

/**
 * Selects the roots of trees without recent use, open work, outbox rows, commands, and subscribers that are behind. A
 * tree is kept or removed as a whole.
 */
const selectIdleTrees = ({ condition, endsAt, keptMs }: (typeof keptRoots)[keyof typeof keptRoots]) => `
  SELECT id FROM session AS root
  WHERE ${condition} AND parent_session_id IS NULL AND active_run IS NULL AND ${endsAt} < ? AND NOT EXISTS (
    SELECT 1 FROM session WHERE coalesce(session.root_id, session.id) = root.id AND (
      session.active_run IS NOT NULL OR session.last_used_at + ${keptMs} >= ?
      OR EXISTS (SELECT 1 FROM outbox WHERE outbox.session_id = session.id AND outbox.died_at IS NULL)
      OR EXISTS (SELECT 1 FROM subscriber_cursor AS own WHERE own.session_id = session.id AND own.behind_since >= ?)
      OR EXISTS (SELECT 1 FROM command WHERE command.session_id = session.id)))
  ORDER BY ${endsAt} LIMIT ${slice}`

const idleTrees = selectIdleTrees(keptRoots.asOthers)
const expiredTrees = selectIdleTrees(keptRoots.forOwnTime)

/**
 * Removes sessions. The sessions are gone at once. Their rows are deleted afterwards, even if this process ends in
 * between.
 */
export async function pruneSessions(
  database: Database,
  limits: PruneLimits,
  { now }: { readonly now: () => number },
): Promise<void> {
  const { sessionsUsedBefore, keptUntil = 0 } = limits
  const remove = (trees: string, before: number) =>
    repeatInTransactions(database, () => removeSessions(database, limits, { trees, before, now: now() }))
  await remove(idleTrees, sessionsUsedBefore)
  await remove(expiredTrees, keptUntil)
  await repeatInTransactions(database, () => deleteRows(database))
}

function removeSessions(
  database: Database,
  { subscribersBehindBefore = 0, removedSessionKinds = [] }: PruneLimits,
  { trees, before, now }: { readonly trees: string; readonly before: number; readonly now: number },
): boolean {
  const roots = database.all(trees, before, before, subscribersBehindBefore)
  const members = database.all(
    "SELECT id FROM session WHERE coalesce(root_id, id) IN (SELECT value FROM json_each(?))",
    JSON.stringify(roots.map((row) => readText(row, "id"))),
  )
  const ids = JSON.stringify(members.map((row) => readText(row, "id")))
  for (const kind of removedSessionKinds) reportRemoved(database, ids, { kind, now })
  database.run("INSERT INTO removed_session (id) SELECT value FROM json_each(?)", ids)
  database.run("DELETE FROM session WHERE id IN (SELECT value FROM json_each(?))", ids)
  // A cursor that is behind remains until its subscriber has received the gap.
  database.run(
    `DELETE FROM subscriber_cursor WHERE behind_since IS NULL AND session_id IN (SELECT value FROM json_each(?))`,
    ids,
  )
  database.run(
    "UPDATE subscriber_cursor SET stirred = 1 WHERE session_id IN (SELECT value FROM json_each(?))",
    ids,
  )
  return roots.length === slice
}

/** Stores an outbox item of the kind for each of the sessions. */
function reportRemoved(
  database: Database,
  ids: string,
  { kind, now }: { readonly kind: string; readonly now: number },
): void {
  const rows = selectRemovedSessions("gone", (payload) => `length(CAST(${payload} AS BLOB))`)
  database.run(
    `WITH gone AS (SELECT * FROM session WHERE id IN (SELECT value FROM json_each(?)))
     INSERT INTO outbox (session_id, id, kind, payload, bytes, created_at, due_at)
     SELECT id, ?, ?, payload, bytes, ?, ? FROM (${rows})`,
    ids,
    `${removedSessionPrefix}${escapeText(kind)}`,
    escapeText(kind),
    now,
    now,
  )
}

function deleteRows(database: Database): boolean {
  const removed = database.get("SELECT id FROM removed_session LIMIT 1")
  if (removed === undefined) return false
  const id = readText(removed, "id")
  for (const [table, key] of numbered) {
    const deleted = database.run(
      `DELETE FROM ${table} WHERE session_id = ? AND ${key} IN
         (SELECT ${key} FROM ${table} WHERE session_id = ? LIMIT ${slice})`,
      id,
      id,
    )
    if (deleted === slice) return true
  }
  for (const table of ["run", "command", "steering_key", "tool_grant", "content", "snapshot", "archive_due"])
    database.run(`DELETE FROM ${table} WHERE session_id = ?`, id)
  database.run("DELETE FROM removed_session WHERE id = ?", id)
  return true
}

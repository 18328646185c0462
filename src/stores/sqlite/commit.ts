import type { CommitOutcome, Lease, SessionBatch } from "../../core/ports/session-log.ts"
import { integer } from "../columns.ts"
import { type EntryRows, toRows } from "../entry-rows.ts"
import type { Database } from "./database.ts"
import { areOpen, changeWaits } from "./waits.ts"

/** Inside a transaction. Every check comes before the first write, so a refused batch leaves nothing. */
export function commitBatch(database: Database, batch: SessionBatch, owner: string): CommitOutcome {
  const { lease } = batch
  // The fence of rule 7.
  const session = database.get(
    "SELECT last_seq FROM session WHERE id = ? AND epoch = ? AND owner = ?",
    lease.sessionId,
    lease.epoch,
    owner,
  )
  if (session === undefined) return "fenced"
  const rows = toRows(batch.entries)
  if (rows.lastSeq <= integer(session, "last_seq") && isStored(database, lease, rows)) return "ok"
  if (isCancelled(database, batch)) return "cancelled"
  if (!areOpen(database, batch)) return "answered"
  touch(database, batch, rows)
  insertEvents(database, lease, rows)
  insertDeltas(database, lease, rows)
  for (const id of batch.commandsConsumed ?? []) {
    database.run("DELETE FROM command WHERE id = ? AND session_id = ?", id, lease.sessionId)
  }
  changeWaits(database, batch, rows.at)
  if (batch.runEnded !== undefined) endRun(database, lease, batch.runEnded)
  return "ok"
}

/** Whether this very batch was committed before: a batch is stored whole, and no number is used twice. */
function isStored(database: Database, { sessionId }: Lease, { events, deltas }: EntryRows): boolean {
  const [event, delta] = [events.at(-1), deltas.at(-1)]
  if (event !== undefined) return has(database, "entry", [sessionId, event.seq, JSON.stringify(event.event)])
  return delta !== undefined && has(database, "delta", [sessionId, delta.firstSeq, delta.body])
}

function has(
  database: Database,
  table: "entry" | "delta",
  row: readonly [sessionId: string, seq: number, body: string],
): boolean {
  const sql = `SELECT 1 FROM ${table} WHERE session_id = ? AND seq = ? AND body = ?`
  return database.get(sql, ...row) !== undefined
}

/** Whether it would end a run in spite of a cancel (rule 12). */
function isCancelled(database: Database, { lease, runEnded, commandsConsumed = [] }: SessionBatch): boolean {
  if (runEnded === undefined) return false
  const waiting = database.get(
    `SELECT 1 FROM command WHERE session_id = ? AND run_id = ? AND type = 'cancel'
     AND id NOT IN (SELECT value FROM json_each(?))`,
    lease.sessionId,
    runEnded.runId,
    JSON.stringify(commandsConsumed),
  )
  return waiting !== undefined
}

function touch(database: Database, { lease, progress }: SessionBatch, rows: EntryRows): void {
  if (rows.events.length === 0 && progress !== true) {
    // Deltas alone, twenty times a second: this leaves the indexes of the session as they are.
    database.run("UPDATE session SET last_seq = max(last_seq, ?) WHERE id = ?", rows.lastSeq, lease.sessionId)
    return
  }
  database.run(
    `UPDATE session SET last_seq = max(last_seq, ?), log_version = max(log_version, ?),
       last_used_at = max(last_used_at, ?), takeovers = takeovers * ?
     WHERE id = ?`,
    rows.lastSeq,
    rows.version,
    rows.at,
    progress === true ? 0 : 1,
    lease.sessionId,
  )
}

function insertEvents(database: Database, { sessionId }: Lease, rows: EntryRows): void {
  for (const { seq, v, at, runId, event } of rows.events) {
    database.run(
      "INSERT INTO entry (session_id, seq, v, at, run_id, type, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      sessionId,
      seq,
      v,
      at,
      runId,
      event.type,
      JSON.stringify(event),
    )
  }
}

function insertDeltas(database: Database, { sessionId }: Lease, rows: EntryRows): void {
  for (const { firstSeq, lastSeq, runId, body } of rows.deltas) {
    database.run(
      "INSERT INTO delta (session_id, seq, last_seq, run_id, body) VALUES (?, ?, ?, ?, ?)",
      sessionId,
      firstSeq,
      lastSeq,
      runId,
      body,
    )
  }
  if (rows.settling === null) return
  const { seq, at } = rows.settling
  database.run(
    `INSERT INTO settled (session_id, seq, at) SELECT ?, ?, ?
     WHERE EXISTS (SELECT 1 FROM delta WHERE session_id = ? AND seq < ?)`,
    sessionId,
    seq,
    at,
    sessionId,
    seq,
  )
}

function endRun(
  database: Database,
  { sessionId }: Lease,
  { runId, state }: NonNullable<SessionBatch["runEnded"]>,
): void {
  database.run("DELETE FROM command WHERE session_id = ? AND run_id = ?", sessionId, runId)
  database.run("UPDATE run SET state = ? WHERE id = ? AND session_id = ?", state, runId, sessionId)
  database.run("UPDATE session SET active_run = NULL WHERE id = ? AND active_run = ?", sessionId, runId)
}

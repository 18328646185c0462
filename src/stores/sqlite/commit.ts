import type { CommitOutcome, Lease, SessionBatch } from "../../core/ports/session-log.ts"
import { type EntryRows, toRows } from "../entry-rows.ts"
import type { Database } from "./database.ts"
import { holds } from "./leases.ts"

/** Inside a transaction. Every check comes before the first write, so a refused batch leaves nothing. */
export function commitBatch(database: Database, batch: SessionBatch, owner: string): CommitOutcome {
  const { lease, commandsConsumed = [] } = batch
  // No other process can write between this look and the commit: the transaction holds the database (rule 7).
  if (!holds(database, lease, owner)) return "fenced"
  if (batch.runEnded !== undefined && cancelWaits(database, batch)) return "cancelled"
  const rows = toRows(batch.entries)
  insertEvents(database, lease, rows)
  insertDeltas(database, lease, rows)
  for (const id of commandsConsumed) {
    database.run("DELETE FROM command WHERE id = ? AND session_id = ?", id, lease.sessionId)
  }
  updateSession(database, batch, rows)
  if (batch.runEnded !== undefined) endRun(database, lease, batch.runEnded, rows)
  return "ok"
}

function cancelWaits(database: Database, batch: SessionBatch): boolean {
  const waiting = database.get(
    `SELECT 1 FROM command WHERE session_id = ? AND run_id = ? AND type = 'cancel'
     AND id NOT IN (SELECT value FROM json_each(?))`,
    batch.lease.sessionId,
    batch.runEnded?.runId ?? null,
    JSON.stringify(batch.commandsConsumed ?? []),
  )
  return waiting !== undefined
}

/** Writes only what changes: most commits leave the session as it is. */
function updateSession(database: Database, { lease, progress = false }: SessionBatch, rows: EntryRows): void {
  if (rows.events.length > 0) {
    database.run(
      "UPDATE session SET log_version = ? WHERE id = ? AND log_version < ?",
      rows.version,
      lease.sessionId,
      rows.version,
    )
  }
  if (progress)
    database.run("UPDATE session SET takeovers = 0 WHERE id = ? AND takeovers > 0", lease.sessionId)
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
  { at }: EntryRows,
): void {
  database.run("UPDATE run SET state = ? WHERE id = ? AND session_id = ?", state, runId, sessionId)
  database.run(
    "UPDATE session SET active_run = NULL, last_used_at = max(last_used_at, ?) WHERE id = ? AND active_run = ?",
    at,
    sessionId,
    runId,
  )
}

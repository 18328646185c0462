import type { CommitOutcome, Lease, SessionBatch } from "../../core/ports/session-log.ts"
import { type EntryRows, toRows } from "../entry-rows.ts"
import type { Database } from "./database.ts"
import { holds } from "./leases.ts"

/** Inside a transaction. Every check comes before the first write, so a refused batch leaves nothing. */
export function commitBatch(database: Database, batch: SessionBatch, owner: string): CommitOutcome {
  const { lease } = batch
  if (batch.runEnded !== undefined && holds(database, lease, owner) && cancelWaits(database, batch)) {
    return "cancelled"
  }
  const rows = toRows(batch.entries)
  if (!touch(database, batch, rows, owner)) return "fenced"
  insertEvents(database, lease, rows)
  insertDeltas(database, lease, rows)
  for (const id of batch.commandsConsumed ?? []) {
    database.run("DELETE FROM command WHERE id = ? AND session_id = ?", id, lease.sessionId)
  }
  if (batch.runEnded !== undefined) endRun(database, lease, batch.runEnded)
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

/** The fence of rule 7: false when the lease is lost. */
function touch(database: Database, batch: SessionBatch, rows: EntryRows, owner: string): boolean {
  const { sessionId, epoch } = batch.lease
  if (rows.events.length === 0 && batch.progress !== true) {
    // Deltas alone, twenty times a second: this leaves the indexes of the session as they are.
    return (
      database.run(
        "UPDATE session SET last_seq = max(last_seq, ?) WHERE id = ? AND epoch = ? AND owner = ?",
        rows.lastSeq,
        sessionId,
        epoch,
        owner,
      ) === 1
    )
  }
  return (
    database.run(
      `UPDATE session SET last_seq = max(last_seq, ?), log_version = max(log_version, ?),
         last_used_at = max(last_used_at, ?), takeovers = takeovers * ?
       WHERE id = ? AND epoch = ? AND owner = ?`,
      rows.lastSeq,
      rows.version,
      rows.at,
      batch.progress === true ? 0 : 1,
      sessionId,
      epoch,
      owner,
    ) === 1
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
  database.run("UPDATE run SET state = ? WHERE id = ? AND session_id = ?", state, runId, sessionId)
  database.run("UPDATE session SET active_run = NULL WHERE id = ? AND active_run = ?", sessionId, runId)
}

import { logVersion } from "../../core/entries.ts"
import type { CommitOutcome, Lease, SessionBatch } from "../../core/ports/session-log.ts"
import { integer, type Row, text } from "../columns.ts"
import { type EntryRows, toRows } from "../entry-rows.ts"
import type { LargeBodies } from "../large-bodies.ts"
import { areOpen } from "../wait-changes.ts"
import type { Database } from "./database.ts"
import { insertOutbox } from "./outbox.ts"
import { openWaits, writeWaits } from "./waits.ts"

/** Inside a transaction. Every check comes before the first write, so a refused batch leaves nothing. */
export function commitBatch(
  database: Database,
  batch: SessionBatch,
  { owner, now, bodies }: { readonly owner: string; readonly now: number; readonly bodies: LargeBodies },
): CommitOutcome {
  const { lease, commandsConsumed = [] } = batch
  // No other process can write between this look and the commit: the transaction holds the database (rule 7).
  const held = heldSession(database, lease, owner)
  if (held === undefined) return "fenced"
  const rows = toRows(batch.entries, { version: batch.version ?? logVersion, bodies })
  if (isStored(database, lease, rows)) return "ok"
  if (isCancelled(database, batch)) return "cancelled"
  const open = openWaits(database, batch)
  if (!areOpen(open, batch)) return "answered"
  insertEvents(database, lease, rows)
  insertDeltas(database, lease, { rows, now })
  for (const id of commandsConsumed) {
    database.run("DELETE FROM command WHERE id = ? AND session_id = ?", id, lease.sessionId)
  }
  insertOutbox(database, batch, now)
  writeWaits(database, batch, { open, at: rows.at })
  updateSession(database, batch, rows, held)
  if (batch.runEnded !== undefined) endRun(database, lease, batch.runEnded, rows)
  return "ok"
}

/** Whether this very batch was committed before: a batch is stored whole, and no number is used twice. */
function isStored(database: Database, { sessionId }: Lease, { events, deltas }: EntryRows): boolean {
  const [event, delta] = [events.at(-1), deltas.at(-1)]
  if (event !== undefined) {
    const known = database.get(
      "SELECT body FROM entry WHERE session_id = ? AND seq = ?",
      sessionId,
      event.seq,
    )
    return known !== undefined && text(known, "body") === event.body
  }
  if (delta === undefined) return false
  const known = database.get(
    "SELECT body FROM delta WHERE session_id = ? AND seq = ?",
    sessionId,
    delta.firstSeq,
  )
  return known !== undefined && text(known, "body") === delta.body
}

/** The fence of rule 7: nothing if the lease is lost. */
function heldSession(database: Database, { sessionId, epoch }: Lease, owner: string): Row | undefined {
  const sql = "SELECT takeovers FROM session WHERE id = ? AND epoch = ? AND owner = ?"
  return database.get(sql, sessionId, epoch, owner)
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

/** Writes only what changes: deltas alone leave the session as it is. */
function updateSession(
  database: Database,
  { lease, progress = false }: SessionBatch,
  rows: EntryRows,
  held: Row,
): void {
  if (rows.bytes > 0) {
    database.run(
      "UPDATE session SET stored_bytes = stored_bytes + ?, log_version = max(log_version, ?) WHERE id = ?",
      rows.bytes,
      rows.version,
      lease.sessionId,
    )
  }
  if (progress && integer(held, "takeovers") > 0) {
    database.run("UPDATE session SET takeovers = 0 WHERE id = ?", lease.sessionId)
  }
}

function insertEvents(database: Database, { sessionId }: Lease, rows: EntryRows): void {
  for (const { seq, v, at, runId, type, body } of rows.events) {
    database.run(
      "INSERT INTO entry (session_id, seq, v, at, run_id, type, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      sessionId,
      seq,
      v,
      at,
      runId,
      type,
      body,
    )
  }
}

/** Deltas are kept for a time that counts from `now`, by the store's clock (rule 6, deltas). */
function insertDeltas(
  database: Database,
  { sessionId }: Lease,
  { rows, now }: { readonly rows: EntryRows; readonly now: number },
): void {
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
  const { seq } = rows.settling
  database.run(
    `INSERT INTO settled (session_id, seq, at) SELECT ?, ?, ?
     WHERE EXISTS (SELECT 1 FROM delta WHERE session_id = ? AND seq < ?)`,
    sessionId,
    seq,
    now,
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
  database.run("DELETE FROM command WHERE session_id = ? AND run_id = ?", sessionId, runId)
  database.run("UPDATE run SET state = ? WHERE id = ? AND session_id = ?", state, runId, sessionId)
  database.run(
    "UPDATE session SET active_run = NULL, last_used_at = max(last_used_at, ?) WHERE id = ? AND active_run = ?",
    at,
    sessionId,
    runId,
  )
}

import { logVersion } from "../../core/log/entries.ts"
import type { RunOpened } from "../../core/ports/inbox.ts"
import type { CommitOutcome, Lease, SessionBatch } from "../../core/ports/session-log.ts"
import { integer, nullableText, type Row, text } from "../rows/columns.ts"
import { type EntryRows, toRows } from "../rows/entry-rows.ts"
import type { LargeBodies } from "../rows/large-bodies.ts"
import { concernsInbox, dueChanges, refusalOf, rowsAfter } from "../rules/inbox-rules.ts"
import { areOpen } from "../rules/wait-changes.ts"
import type { Database } from "./database/database.ts"
import { changeDue, deleteCommands, inboxOf } from "./inbox.ts"
import { insertOutbox } from "./outbox.ts"
import { openWaits, writeWaits } from "./waits.ts"

type RunEnded = NonNullable<SessionBatch["runEnded"]>

/** Inside a transaction. Every check comes before the first write, so a refused batch leaves nothing. */
export function commitBatch(
  database: Database,
  batch: SessionBatch,
  { owner, now, bodies }: { readonly owner: string; readonly now: number; readonly bodies: LargeBodies },
): CommitOutcome {
  const { lease, commandsConsumed = [], runOpened, runEnded, runsWithdrawn = [] } = batch
  // No other process can write between this look and the commit: the transaction holds the database (rule 7).
  const held = heldSession(database, lease, owner)
  if (held === undefined) return "fenced"
  const rows = toRows(batch.entries, { version: batch.version ?? logVersion, bodies })
  if (isStored(database, lease, rows)) return "ok"
  const inbox = concernsInbox(batch) ? inboxOf(database, lease.sessionId) : []
  const refusal = refusalOf(batch, inbox)
  if (refusal !== null) return refusal
  const open = openWaits(database, batch)
  if (!areOpen(open, batch)) return "answered"
  insertEvents(database, lease, rows)
  insertDeltas(database, lease, { rows, now })
  deleteCommands(database, lease.sessionId, commandsConsumed)
  insertOutbox(database, batch, now)
  writeWaits(database, batch, { open, at: rows.at })
  updateSession(database, batch, rows, held)
  if (runOpened !== undefined) openRun(database, lease, runOpened)
  if (runEnded !== undefined) endRun(database, lease, runEnded, rows)
  for (const runId of runsWithdrawn) closeRun(database, lease, { runId, state: "interrupted" }, rows)
  if (concernsInbox(batch)) {
    const openRunId = findOpenRun(database, lease)
    changeDue(database, dueChanges(rowsAfter(inbox, batch), { now, openRunId }))
  }
  return "ok"
}

/**
 * Returns true if this very batch was committed before: a batch is stored whole, and no number is used twice.
 */
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

function openRun(database: Database, { sessionId }: Lease, { runId, cursor, steerable }: RunOpened): void {
  database.run(
    "UPDATE run SET state = 'open', cursor = ?, steerable = ? WHERE id = ? AND session_id = ?",
    cursor,
    Number(steerable),
    runId,
    sessionId,
  )
  database.run("UPDATE session SET active_run = ? WHERE id = ?", runId, sessionId)
}

function findOpenRun(database: Database, { sessionId }: Lease): string | null {
  const session = database.get("SELECT active_run FROM session WHERE id = ?", sessionId)
  return session === undefined ? null : nullableText(session, "active_run")
}

function endRun(database: Database, lease: Lease, ended: RunEnded, rows: EntryRows): void {
  closeRun(database, lease, ended, rows)
  database.run(
    "UPDATE session SET active_run = NULL, last_used_at = max(last_used_at, ?) WHERE id = ? AND active_run = ?",
    rows.at,
    lease.sessionId,
    ended.runId,
  )
}

function closeRun(
  database: Database,
  { sessionId }: Lease,
  { runId, state }: RunEnded,
  { lastSeq }: EntryRows,
): void {
  database.run("DELETE FROM command WHERE session_id = ? AND run_id = ?", sessionId, runId)
  database.run(
    "UPDATE run SET state = ?, end_seq = ? WHERE id = ? AND session_id = ?",
    state,
    lastSeq,
    runId,
    sessionId,
  )
}

import { logVersion } from "../../../../core/log/entries.ts"
import type { RunOpened } from "../../../../core/ports/store/inbox.ts"
import type { CommitOutcome, Lease, SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { escapeText, readInteger, readNullableText } from "../../rows/columns.ts"
import { type EntryRows, toRows } from "../../rows/entry-rows.ts"
import { findArchivableFrom } from "../../rows/large/archived-bodies.ts"
import type { LargeBodies } from "../../rows/large/large-bodies.ts"
import { createOutboxRows } from "../../rows/outbox-rows.ts"
import { applyBatch, concernsInbox, findRefusal } from "../../rules/inbox-rules.ts"
import { computeDueChanges } from "../../rules/queue-order.ts"
import {
  areOpen,
  type CommittedWait,
  changeWaits,
  mayCloseWaits,
  toOpenWait,
} from "../../rules/wait-changes.ts"
import { writeWaits } from "../../sql/waits.ts"
import type { Database } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"
import { changeDue, changeSession, deleteCommands, readInbox } from "../inbox.ts"
import { claimText } from "../large/large-texts.ts"
import { isSameText, readReference } from "../large/text-reference.ts"
import { markArchivable } from "./archive.ts"

type RunEnded = NonNullable<SessionBatch["runEnded"]>

/** A session during a commit. This process holds its lease. */
interface Held {
  readonly takeovers: number
  readonly activeRun: string | null
  /**
   * If true, the commit's newest entry is stored. All of the commit is then stored, because no number is used twice.
   */
  readonly isStored: boolean
  readonly hasCommands: boolean
  readonly hasWaits: boolean
}

/**
 * Commits a batch. Every check precedes the first write, so a refused batch leaves nothing. Must be called inside a
 * transaction.
 */
export function commitBatch(
  database: Database,
  batch: SessionBatch,
  { owner, now, bodies }: { readonly owner: string; readonly now: number; readonly bodies: LargeBodies },
): CommitOutcome {
  const { lease, commandsConsumed = [], runOpened, runEnded, runsWithdrawn = [] } = batch
  const rows = toRows(batch.entries, { version: batch.version ?? logVersion, bodies })
  // No other process can write between this read and the commit, because the transaction locks the database (rule 7).
  const held = findHeldSession(database, lease, { owner, rows })
  if (held === null) return "fenced"
  if (held.isStored) return "ok"
  const inbox = held.hasCommands && concernsInbox(batch) ? readInbox(database, lease.sessionId) : []
  const refusal = findRefusal(batch, inbox)
  if (refusal !== null) return refusal
  const open = held.hasWaits ? openWaits(database, batch) : []
  if (!areOpen(open, batch)) return "answered"
  insertEvents(database, lease, rows)
  const archivable = findArchivableFrom(batch)
  if (archivable !== null) markArchivable(database, lease.sessionId, archivable)
  insertDeltas(database, lease, { rows, now })
  const freed = deleteCommands(database, lease.sessionId, commandsConsumed)
  deleteDroppedItems(database, batch)
  insertOutbox(database, batch, now)
  runSteps(database, rows.at, writeWaits(changeWaits(open, batch, rows.at)))
  if (runOpened !== undefined) openRun(database, lease, runOpened)
  if (runEnded !== undefined) closeRun(database, lease, runEnded, { rows, hasCommands: held.hasCommands })
  for (const runId of runsWithdrawn) {
    closeRun(database, lease, { runId, state: "interrupted" }, { rows, hasCommands: held.hasCommands })
  }
  const openRunId = openRunAfter(batch, held)
  changeSession(database, lease.sessionId, {
    bytes: rows.bytes - freed,
    version: rows.version,
    ...(openRunId !== held.activeRun && { activeRun: openRunId }),
    ...(runEnded !== undefined && { usedAt: rows.at }),
    ...(batch.progress === true && held.takeovers > 0 && { takeovers: 0 }),
  })
  if (inbox.length > 0) changeDue(database, computeDueChanges(applyBatch(inbox, batch), { now, openRunId }))
  return "ok"
}

/** Returns the data for the fence of rule 7 and for all other checks, in one read. Null if the lease is lost. */
function findHeldSession(
  database: Database,
  { sessionId, epoch }: Lease,
  { owner, rows }: { readonly owner: string; readonly rows: EntryRows },
): Held | null {
  const event = rows.events.at(-1)
  const delta = event === undefined ? rows.deltas.at(-1) : undefined
  const row = database.get(
    `SELECT takeovers, active_run,
       (SELECT body FROM entry WHERE session_id = session.id AND seq = ?) AS event,
       (SELECT body FROM delta WHERE session_id = session.id AND seq = ?) AS delta,
       EXISTS (SELECT 1 FROM command WHERE session_id = session.id) AS has_commands,
       EXISTS (SELECT 1 FROM wait WHERE session_id = session.id AND state = 'open') AS has_waits
     FROM session WHERE id = ? AND epoch = ? AND owner = ?`,
    event?.seq ?? null,
    delta?.firstSeq ?? null,
    sessionId,
    epoch,
    owner,
  )
  if (row === undefined) return null
  const newest = event ?? delta
  return {
    takeovers: readInteger(row, "takeovers"),
    activeRun: readNullableText(row, "active_run"),
    isStored: newest !== undefined && (isSameText(row.event, newest.body) || row.delta === newest.body),
    hasCommands: row.has_commands === 1,
    hasWaits: row.has_waits === 1,
  }
}

function openRunAfter({ runOpened, runEnded }: SessionBatch, { activeRun }: Held): string | null {
  const open = runOpened?.runId ?? activeRun
  return open === runEnded?.runId ? null : open
}

/** Maximum events of one statement. */
const maxEventsAtOnce = 4

/** Statements that insert so many events, by their number. */
const eventInserts = Array.from(
  { length: maxEventsAtOnce + 1 },
  (_, count) =>
    `INSERT INTO entry (session_id, seq, v, at, run_id, type, body)
     VALUES ${Array(count).fill("(?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
)

function insertEvents(database: Database, { sessionId }: Lease, { events }: EntryRows): void {
  for (let start = 0; start < events.length; start += maxEventsAtOnce) {
    const some = events.slice(start, start + maxEventsAtOnce)
    const values: (string | number)[] = []
    for (const { seq, v, at, runId, type, body } of some) {
      const reference = readReference(body)
      if (reference !== null) claimText(database, reference)
      values.push(sessionId, seq, v, at, runId, type, body)
    }
    database.run(eventInserts[some.length] ?? "", ...values)
  }
}

/** Inserts deltas. Their retention time starts at `now`, by the store's clock (rule 6, deltas). */
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
}

function closeRun(
  database: Database,
  { sessionId }: Lease,
  { runId, state }: RunEnded,
  { rows, hasCommands }: { readonly rows: EntryRows; readonly hasCommands: boolean },
): void {
  if (hasCommands) {
    database.run("DELETE FROM command WHERE session_id = ? AND run_id = ?", sessionId, runId)
  }
  database.run(
    "UPDATE run SET state = ?, end_seq = ? WHERE id = ? AND session_id = ?",
    state,
    rows.lastSeq,
    runId,
    sessionId,
  )
}

/** Returns the open waits that the batch may close. */
function openWaits(database: Database, batch: SessionBatch): readonly CommittedWait[] {
  if (!mayCloseWaits(batch)) return []
  return database
    .all(
      "SELECT id, session_id, body FROM wait WHERE session_id = ? AND state = 'open' ORDER BY id",
      batch.lease.sessionId,
    )
    .map(toOpenWait)
}

/** Inserts outbox items. Must be called inside the transaction of the commit. */
function insertOutbox(database: Database, batch: SessionBatch, now: number): void {
  for (const { session_id, id, kind, payload, bytes, due_at } of createOutboxRows(batch)) {
    database.run(
      `INSERT INTO outbox (session_id, id, kind, payload, bytes, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (session_id, id) DO NOTHING`,
      session_id,
      id,
      kind,
      payload,
      bytes,
      now,
      due_at ?? now,
    )
  }
}

/** Deletes items that the session no longer needs. Must be called inside the transaction of the commit. */
function deleteDroppedItems(database: Database, { lease, outboxDropped = [] }: SessionBatch): void {
  for (const id of outboxDropped) {
    database.run("DELETE FROM outbox WHERE session_id = ? AND id = ?", lease.sessionId, escapeText(id))
  }
}

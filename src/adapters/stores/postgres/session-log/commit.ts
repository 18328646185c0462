import { stringifyInSlices } from "../../../../core/json/json-pieces.ts"
import { logVersion } from "../../../../core/log/entries.ts"
import type { CommitOutcome, SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { readInteger, readNullableText, readText } from "../../rows/columns.ts"
import { type EntryRows, toRows } from "../../rows/entry-rows.ts"
import { findArchivableFrom } from "../../rows/large/archived-bodies.ts"
import { hasLargeEvents, makeLargeBodies, noLargeBodies } from "../../rows/large/large-bodies.ts"
import { createOutboxRows } from "../../rows/outbox-rows.ts"
import { collectStirred } from "../../rows/subscription-rows.ts"
import { findRefusal } from "../../rules/inbox-rules.ts"
import type { DueChange } from "../../rules/queue-order.ts"
import { areOpen, changeWaits } from "../../rules/wait-changes.ts"
import { writeWaits } from "../../sql/waits.ts"
import type { Database, Query } from "../database/database.ts"
import { readSqlState } from "../database/failures.ts"
import { runSteps } from "../database/sql-database.ts"
import { Inboxes, listEndedRuns, runChanges } from "../inbox/commit-inbox.ts"
import { deleteDroppedItems } from "../outbox/outbox.ts"
import { lastSeq, nowMs } from "../schema.ts"
import { openWaits } from "./open-waits.ts"

interface Prepared {
  readonly batch: SessionBatch
  /** The id of the session. */
  readonly id: string
  readonly rows: EntryRows
}

/**
 * Commits the batches in few round trips, however many sessions there are: rows are locked, rows are read, and all
 * changes are sent at once. A row that another transaction has locked is skipped, so that it delays only its own
 * session.
 */
export async function commit(
  database: Database,
  batches: readonly SessionBatch[],
  owner: string,
): Promise<readonly CommitOutcome[]> {
  if (batches.length === 0) return []
  const bodies = hasLargeEvents(batches) ? await makeLargeBodies(batches) : noLargeBodies
  const all = batches.map((batch) => {
    const { version = logVersion } = batch
    return { batch, id: batch.lease.sessionId, rows: toRows(batch.entries, { version, bodies }) }
  })
  try {
    return await commitOnce(database, all, owner)
  } catch (error) {
    if (readSqlState(error) !== uniqueViolation) throw error
    // An earlier commit of the same batch, whose reply was lost, may have become visible after this one started.
    return commitOnce(database, all, owner)
  }
}

const uniqueViolation = "23505"

function commitOnce(
  database: Database,
  all: readonly Prepared[],
  owner: string,
): Promise<readonly CommitOutcome[]> {
  const batches = all.map(({ batch }) => batch)
  return database.transaction(async (query) => {
    const { held, busy } = await lock(query, batches, owner)
    const stored = await findStoredBefore(query, all, held)
    const inboxes = await Inboxes.read(query, batches)
    let waits = await openWaits(query, batches)
    const accepted: Prepared[] = []
    const outcomes = all.map((each): CommitOutcome => {
      const { batch, id, rows } = each
      if (busy.get(id) === batch.lease.epoch) return "busy"
      if (held.get(id)?.epoch !== batch.lease.epoch) return "fenced"
      if (stored.has(each)) return "ok"
      const refusal = findRefusal(batch, inboxes.of(id))
      if (refusal !== null) return refusal
      if (!areOpen(waits, batch)) return "answered"
      accepted.push(each)
      inboxes.change(batch, held.get(id)?.activeRun ?? null)
      waits = changeWaits(waits, batch, rows.at)
      return "ok"
    })
    await write(query, accepted, inboxes.dueChanges())
    await runSteps(query, writeWaits(waits))
    await markArchivable(query, accepted)
    await deleteDroppedItems(
      query,
      accepted.map(({ batch }) => batch),
    )
    return outcomes
  })
}

interface Held {
  readonly epoch: number
  readonly lastSeq: number
  readonly activeRun: string | null
}

interface Locked {
  /** The sessions that this process holds and whose rows are now locked, by id. */
  readonly held: ReadonlyMap<string, Held>
  /** The epochs of the sessions that this process holds and another transaction has locked, by id. */
  readonly busy: ReadonlyMap<string, number>
}

async function lock(query: Query, batches: readonly SessionBatch[], owner: string): Promise<Locked> {
  const ids = new Set(batches.map(({ lease }) => lease.sessionId))
  const rows = await query(
    `SELECT id, epoch, owner, active_run, ${lastSeq} AS last_seq FROM agent_gateway.session
     WHERE id = ANY($1) FOR UPDATE SKIP LOCKED`,
    [[...ids]],
  )
  const held = rows.filter((row) => readNullableText(row, "owner") === owner)
  for (const row of rows) ids.delete(readText(row, "id"))
  // The other sessions are gone or locked.
  const skipped = ids.size === 0 ? [] : await query(ownSessions, [[...ids], owner])
  return {
    held: new Map(
      held.map((row) => [
        readText(row, "id"),
        {
          epoch: readInteger(row, "epoch"),
          lastSeq: readInteger(row, "last_seq"),
          activeRun: readNullableText(row, "active_run"),
        },
      ]),
    ),
    busy: new Map(skipped.map((row) => [readText(row, "id"), readInteger(row, "epoch")])),
  }
}

const ownSessions = "SELECT id, epoch FROM agent_gateway.session WHERE id = ANY($1) AND owner = $2"

/**
 * Returns the batches that were committed before, and are committed again because the reply was lost. A batch is
 * stored as a whole, and no number is used twice, so one of its rows is enough to find it.
 */
async function findStoredBefore(
  query: Query,
  batches: readonly Prepared[],
  held: ReadonlyMap<string, Held>,
): Promise<ReadonlySet<Prepared>> {
  const stored = new Set<Prepared>()
  for (const each of batches) {
    const { id, rows } = each
    if (rows.lastSeq > (held.get(id)?.lastSeq ?? 0)) continue
    const [event, delta] = [toEntryRows(id, rows).at(-1), toDeltaRows(id, rows).at(-1)]
    const row = event ?? delta
    if (row === undefined) continue
    const table = event === undefined ? "delta" : "entry"
    const found = await query(
      `SELECT FROM agent_gateway.${table} WHERE session_id = $1 AND seq = $2 AND body = $3`,
      [id, row.seq, row.body],
    )
    if (found.length > 0) stored.add(each)
  }
  return stored
}

/** Marks the sessions whose earlier events may be archived. Few batches contain such sessions. */
async function markArchivable(query: Query, batches: readonly Prepared[]): Promise<void> {
  const due = batches.flatMap(({ batch, id }) => {
    const seq = findArchivableFrom(batch)
    return seq === null ? [] : [{ session_id: id, seq }]
  })
  if (due.length === 0) return
  await query(
    `INSERT INTO agent_gateway.archive_due (session_id, seq)
     SELECT session_id, max(seq) FROM json_to_recordset($1) AS each(session_id text, seq bigint) GROUP BY session_id
     ON CONFLICT (session_id) DO UPDATE SET seq = greatest(archive_due.seq, excluded.seq)`,
    [JSON.stringify(due)],
  )
}

/**
 * Writes the batches in one statement. Postgres expects a hundred rows of `json_to_recordset`, whatever it contains,
 * and would read a table with thousands of rows as a whole for them. Therefore, rows are also selected by arrays of
 * ids.
 */
async function write(query: Query, batches: readonly Prepared[], due: readonly DueChange[]): Promise<void> {
  if (batches.length === 0) return
  const ended = batches.flatMap(listEndedRuns)
  const changes = runChanges(batches)
  await query(
    `WITH
     entries AS (
       INSERT INTO agent_gateway.entry (session_id, seq, v, at, run_id, type, body)
       SELECT session_id, seq, v, at, run_id, type, body FROM json_to_recordset($1) AS each(
         session_id text, seq bigint, v integer, at bigint, run_id text, type text, body text)
     ),
     deltas AS (
       INSERT INTO agent_gateway.delta (session_id, seq, last_seq, run_id, body)
       SELECT session_id, seq, last_seq, run_id, body FROM json_to_recordset($2) AS each(
         session_id text, seq bigint, last_seq bigint, run_id text, body text)
     ),
     settlings AS (
       INSERT INTO agent_gateway.settled (session_id, seq, at)
       SELECT session_id, seq, ${nowMs} FROM json_to_recordset($3) AS each(session_id text, seq bigint)
     ),
     consumed AS (
       DELETE FROM agent_gateway.command
       WHERE id = ANY($4) OR (session_id = ANY($7) AND run_id = ANY($8)) RETURNING session_id, bytes
     ),
     due AS (
       UPDATE agent_gateway.command SET due_at = each.due_at
       FROM unnest($11::bigint[], $12::bigint[]) AS each(id, due_at) WHERE command.id = each.id
     ),
     changed AS (
       UPDATE agent_gateway.run SET
         state = each.state,
         cursor = coalesce(each.cursor, run.cursor),
         steerable = coalesce(each.steerable, run.steerable),
         end_seq = coalesce(each.end_seq, run.end_seq)
       FROM json_to_recordset($5) AS each(id text, state text, cursor bigint, steerable boolean, end_seq bigint)
       WHERE run.id = each.id AND run.id = ANY($13)
     ),
     items AS (
       INSERT INTO agent_gateway.outbox (session_id, id, kind, payload, bytes, created_at, due_at)
       SELECT session_id, id, kind, payload, bytes, ${nowMs}, coalesce(due_at, ${nowMs})
       FROM json_to_recordset($9) AS each(
         session_id text, id text, kind text, payload text, bytes integer, due_at bigint)
       ON CONFLICT (session_id, id) DO NOTHING
     ),
     stirred AS (${stirCursors("$10", "$14")})
     UPDATE agent_gateway.session SET
       log_version = greatest(session.log_version, each.version),
       stored_bytes = session.stored_bytes + each.bytes
         - coalesce((SELECT sum(consumed.bytes) FROM consumed WHERE consumed.session_id = session.id), 0),
       last_used_at = greatest(session.last_used_at, each.ended_at),
       takeovers = CASE WHEN each.progress THEN 0 ELSE session.takeovers END,
       active_run = CASE
         WHEN each.opened IS NOT NULL THEN each.opened
         WHEN session.active_run = each.ended THEN NULL
         ELSE session.active_run
       END
     FROM json_to_recordset($6) AS each(
       id text, version integer, bytes bigint, progress boolean, opened text, ended text, ended_at bigint)
     WHERE session.id = each.id AND session.id = ANY($14)
       AND (each.opened IS NOT NULL OR each.ended IS NOT NULL OR each.bytes > 0
         OR (each.progress AND session.takeovers > 0)
         OR session.id IN (SELECT consumed.session_id FROM consumed))`,
    [
      await stringifyInSlices(batches.flatMap(({ id, rows }) => toEntryRows(id, rows))),
      JSON.stringify(batches.flatMap(({ id, rows }) => toDeltaRows(id, rows))),
      JSON.stringify(batches.flatMap(({ id, rows }) => toSettlingRows(id, rows))),
      batches.flatMap(({ batch: { commandsConsumed = [] } }) => [...commandsConsumed]),
      JSON.stringify(changes),
      JSON.stringify(toSessionRows(batches)),
      ended.map(({ session_id }) => session_id),
      ended.map(({ id }) => id),
      JSON.stringify(batches.flatMap(({ batch }) => createOutboxRows(batch))),
      JSON.stringify(toStirredRows(batches)),
      due.map(({ id }) => id),
      due.map(({ dueAt }) => dueAt),
      changes.map(({ id }) => id),
      batches.map(({ id }) => id),
    ],
  )
}

/**
 * SQL: makes the cursors of these sessions due, and creates missing ones. Waits for a cursor that is being claimed,
 * so that its claim cannot miss the entries of this commit. Does nothing if there are no subscribers.
 * `ids` has the sessions again.
 */
function stirCursors(sessions: string, ids: string): string {
  return `
    INSERT INTO agent_gateway.subscriber_cursor AS own
      (session_id, subscriber, agent, seq, due_at, stirred, behind_since)
    SELECT session.id, subscriber.name, session.agent, each.seq, ${nowMs}, true, ${nowMs}
    FROM json_to_recordset(${sessions}) AS each(id text, seq bigint)
    JOIN agent_gateway.session ON session.id = each.id AND session.id = ANY(${ids})
    JOIN agent_gateway.subscriber ON subscriber.agent = session.agent AND subscriber.forgotten_since IS NULL
    ORDER BY session.id, subscriber.name
    ON CONFLICT (session_id, subscriber) DO UPDATE SET stirred = true,
      due_at = coalesce(own.due_at, excluded.due_at), behind_since = coalesce(own.behind_since, excluded.behind_since)
    WHERE NOT own.stirred`
}

function toStirredRows(batches: readonly Prepared[]): object[] {
  return [...collectStirred(batches.map(({ batch }) => batch))].map(([id, seq]) => ({ id, seq }))
}

interface StoredRow {
  readonly session_id: string
  readonly seq: number
  readonly body: string
}

function toEntryRows(session_id: string, { events }: EntryRows): StoredRow[] {
  return events.map(({ seq, v, at, runId, type, body }) => {
    return { session_id, seq, v, at, run_id: runId, type, body }
  })
}

function toDeltaRows(session_id: string, { deltas }: EntryRows): StoredRow[] {
  return deltas.map(({ firstSeq, lastSeq, runId, body }) => {
    return { session_id, seq: firstSeq, last_seq: lastSeq, run_id: runId, body }
  })
}

function toSettlingRows(session_id: string, { settling }: EntryRows): object[] {
  return settling === null ? [] : [{ session_id, seq: settling.seq }]
}

interface SessionChange {
  readonly id: string
  readonly version: number
  readonly bytes: number
  readonly progress: boolean
  /** The open run afterwards, if a batch opened it. */
  readonly opened: string | null
  readonly ended: string | null
  readonly ended_at: number
}

/** Returns one row for each session, because an update applies only one of several rows with the same target. */
function toSessionRows(batches: readonly Prepared[]): SessionChange[] {
  const changes = new Map<string, SessionChange>()
  for (const { batch, id, rows } of batches) {
    const before = changes.get(id)
    const opened = batch.runOpened?.runId ?? before?.opened ?? null
    changes.set(id, {
      id,
      version: Math.max(before?.version ?? 0, rows.version),
      bytes: (before?.bytes ?? 0) + rows.bytes,
      progress: before?.progress === true || batch.progress === true,
      opened: opened === batch.runEnded?.runId ? null : opened,
      ended: batch.runEnded?.runId ?? before?.ended ?? null,
      ended_at: Math.max(before?.ended_at ?? 0, batch.runEnded === undefined ? 0 : rows.at),
    })
  }
  return [...changes.values()]
}

import type { CommitOutcome, SessionBatch } from "../../core/ports/session-log.ts"
import { integer, nullableText, text } from "../columns.ts"
import { type EntryRows, toRows } from "../entry-rows.ts"
import type { Database, Query } from "./database.ts"

/** Few round trips however many sessions: the rows are locked, looked at, and all changes sent at once. */
export async function commit(
  database: Database,
  batches: readonly SessionBatch[],
  owner: string,
): Promise<readonly CommitOutcome[]> {
  if (batches.length === 0) return []
  return database.transaction(async (query) => {
    const epochs = await lock(query, batches, owner)
    const cancels = await waitingCancels(query, batches)
    const accepted: SessionBatch[] = []
    const outcomes = batches.map((batch) => {
      const outcome = outcomeOf(batch, epochs, cancels)
      if (outcome !== "ok") return outcome
      accepted.push(batch)
      for (const id of batch.commandsConsumed ?? []) cancels.delete(id)
      return outcome
    })
    await write(query, accepted)
    return outcomes
  })
}

/** The epochs of the sessions that `owner` holds, by id. Locked in order, so that commits never block in a circle. */
async function lock(
  query: Query,
  batches: readonly SessionBatch[],
  owner: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await query(
    "SELECT id, epoch, owner FROM agent_gateway.session WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    [[...new Set(batches.map(({ lease }) => lease.sessionId))]],
  )
  const held = rows.filter((row) => nullableText(row, "owner") === owner)
  return new Map(held.map((row) => [text(row, "id"), integer(row, "epoch")]))
}

/** Their runs by their ids. A statement of its own, after the locks: so it sees every cancel put before them. */
async function waitingCancels(query: Query, batches: readonly SessionBatch[]): Promise<Map<number, string>> {
  const ending = batches.flatMap(({ lease, runEnded }) => (runEnded === undefined ? [] : [lease.sessionId]))
  if (ending.length === 0) return new Map()
  const rows = await query(
    "SELECT id, run_id FROM agent_gateway.command WHERE session_id = ANY($1) AND type = 'cancel'",
    [ending],
  )
  return new Map(rows.map((row) => [integer(row, "id"), text(row, "run_id")]))
}

function outcomeOf(
  { lease, runEnded, commandsConsumed = [] }: SessionBatch,
  epochs: ReadonlyMap<string, number>,
  cancels: ReadonlyMap<number, string>,
): CommitOutcome {
  if (epochs.get(lease.sessionId) !== lease.epoch) return "fenced"
  for (const [id, runId] of cancels) {
    if (runId === runEnded?.runId && !commandsConsumed.includes(id)) return "cancelled"
  }
  return "ok"
}

async function write(query: Query, batches: readonly SessionBatch[]): Promise<void> {
  if (batches.length === 0) return
  const stored = batches.map((batch) => ({ batch, id: batch.lease.sessionId, rows: toRows(batch.entries) }))
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
       SELECT session_id, seq, at FROM json_to_recordset($3) AS each(session_id text, seq bigint, at bigint)
     ),
     consumed AS (DELETE FROM agent_gateway.command WHERE id = ANY($4)),
     ended AS (
       UPDATE agent_gateway.run SET state = each.state
       FROM json_to_recordset($5) AS each(id text, state text) WHERE run.id = each.id
     )
     UPDATE agent_gateway.session SET
       log_version = greatest(log_version, each.version),
       last_used_at = greatest(last_used_at, each.ended_at),
       takeovers = CASE WHEN each.progress THEN 0 ELSE takeovers END,
       active_run = CASE WHEN active_run = each.ended THEN NULL ELSE active_run END
     FROM json_to_recordset($6) AS each(
       id text, version integer, progress boolean, ended text, ended_at bigint)
     WHERE session.id = each.id
       AND (each.ended IS NOT NULL OR log_version < each.version OR (each.progress AND takeovers > 0))`,
    [
      JSON.stringify(stored.flatMap(({ id, rows }) => entryRows(id, rows))),
      JSON.stringify(stored.flatMap(({ id, rows }) => deltaRows(id, rows))),
      JSON.stringify(stored.flatMap(({ id, rows }) => settlingRows(id, rows))),
      batches.flatMap(({ commandsConsumed = [] }) => [...commandsConsumed]),
      JSON.stringify(batches.flatMap(({ runEnded }) => endedRows(runEnded))),
      JSON.stringify(sessionRows(stored)),
    ],
  )
}

function entryRows(session_id: string, { events }: EntryRows): object[] {
  return events.map(({ seq, v, at, runId, event }) => {
    return { session_id, seq, v, at, run_id: runId, type: event.type, body: JSON.stringify(event) }
  })
}

function deltaRows(session_id: string, { deltas }: EntryRows): object[] {
  return deltas.map(({ firstSeq, lastSeq, runId, body }) => {
    return { session_id, seq: firstSeq, last_seq: lastSeq, run_id: runId, body }
  })
}

function settlingRows(session_id: string, { settling }: EntryRows): object[] {
  return settling === null ? [] : [{ session_id, seq: settling.seq, at: settling.at }]
}

function endedRows(runEnded: SessionBatch["runEnded"]): object[] {
  return runEnded === undefined ? [] : [{ id: runEnded.runId, state: runEnded.state }]
}

interface SessionChange {
  readonly id: string
  readonly version: number
  readonly progress: boolean
  readonly ended: string | null
  readonly ended_at: number
}

/** One row a session: an update takes only one of several rows that meet the same target. */
function sessionRows(
  stored: readonly { readonly batch: SessionBatch; readonly id: string; readonly rows: EntryRows }[],
): SessionChange[] {
  const changes = new Map<string, SessionChange>()
  for (const { batch, id, rows } of stored) {
    const before = changes.get(id)
    changes.set(id, {
      id,
      version: Math.max(before?.version ?? 0, rows.version),
      progress: before?.progress === true || batch.progress === true,
      ended: batch.runEnded?.runId ?? before?.ended ?? null,
      ended_at: Math.max(before?.ended_at ?? 0, batch.runEnded === undefined ? 0 : rows.at),
    })
  }
  return [...changes.values()]
}

import type { Wait } from "../../core/ports/approvals.ts"
import type { NewWait, SessionBatch } from "../../core/ports/session-log.ts"
import { escapeText, integer, type Row, text } from "../columns.ts"
import { closingRecord } from "../decision-records.ts"
import type { EntryRows } from "../entry-rows.ts"
import { toNewWait } from "../wait-rows.ts"
import { insertAudit } from "./approvals.ts"
import type { Query } from "./database.ts"

/** A wait as it stands within one commit; `id` is null until it is stored, `at` the time it was closed. */
export interface CommittedWait {
  readonly id: number | null
  readonly sessionId: string
  readonly state: Exclude<Wait["state"], "answered">
  readonly at: number
  readonly wait: NewWait
}

/** The open waits that the batches may close. A statement of its own, after the locks: so it sees every answer. */
export async function openWaits(
  query: Query,
  batches: readonly SessionBatch[],
): Promise<readonly CommittedWait[]> {
  const closing = batches.filter(
    ({ waitsExpired = [], runEnded }) => waitsExpired.length > 0 || runEnded !== undefined,
  )
  if (closing.length === 0) return []
  const rows = await query(
    `SELECT id, session_id, body FROM agent_gateway.wait
     WHERE session_id = ANY($1) AND state = 'open' ORDER BY id`,
    [closing.map(({ lease }) => lease.sessionId)],
  )
  return rows.map(toOpenWait)
}

/** Whether each of the waits that would expire is still open. */
export function areOpen(
  waits: readonly CommittedWait[],
  { lease, waitsExpired = [] }: SessionBatch,
): boolean {
  return waitsExpired.every((toolCallId) =>
    waits.some(
      ({ sessionId, state, wait }) =>
        sessionId === lease.sessionId && state === "open" && wait.toolCallId === toolCallId,
    ),
  )
}

/** The waits after a batch. */
export function changeWaits(
  waits: readonly CommittedWait[],
  { lease, waitsOpened = [], waitsExpired = [], runEnded }: SessionBatch,
  { at }: EntryRows,
): readonly CommittedWait[] {
  const { sessionId } = lease
  const opened = waitsOpened.map((wait): CommittedWait => {
    return { id: null, sessionId, state: "open", at, wait }
  })
  return [...waits, ...opened].map((each) => {
    if (each.sessionId !== sessionId || each.state !== "open") return each
    if (waitsExpired.includes(each.wait.toolCallId)) return { ...each, state: "expired", at }
    return each.wait.runId === runEnded?.runId ? { ...each, state: "withdrawn", at } : each
  })
}

/** Stores what the batches made of the waits, and what the audit trail says of it. */
export async function writeWaits(query: Query, waits: readonly CommittedWait[]): Promise<void> {
  const opened = waits.filter(({ id }) => id === null)
  if (opened.length > 0) await insert(query, opened)
  const closed = waits.filter(({ id, state }) => id !== null && state !== "open")
  if (closed.length > 0) {
    await query(
      `UPDATE agent_gateway.wait SET state = each.state
       FROM unnest($1::bigint[], $2::text[]) AS each(id, state) WHERE wait.id = each.id`,
      [closed.map(({ id }) => id), closed.map(({ state }) => state)],
    )
  }
  const records = waits.flatMap(({ wait, sessionId, state, at }) =>
    state === "open" ? [] : [closingRecord(wait, { sessionId, action: state, at })],
  )
  if (records.length > 0) await insertAudit(query, records)
}

async function insert(query: Query, waits: readonly CommittedWait[]): Promise<void> {
  const rows = waits.map(({ sessionId, state, wait }, place) => ({
    place,
    session_id: sessionId,
    run_id: wait.runId,
    tool_call_id: escapeText(wait.toolCallId),
    kind: wait.kind,
    state,
    expires_at: wait.expiresAt,
    body: JSON.stringify(wait),
  }))
  await query(
    `INSERT INTO agent_gateway.wait (session_id, run_id, tool_call_id, kind, state, expires_at, body)
     SELECT session_id, run_id, tool_call_id, kind, state, expires_at, body FROM json_to_recordset($1) AS each(
       place integer, session_id text, run_id text, tool_call_id text, kind text, state text,
       expires_at bigint, body text)
     ORDER BY place`,
    [JSON.stringify(rows)],
  )
}

function toOpenWait(row: Row): CommittedWait {
  return {
    id: integer(row, "id"),
    sessionId: text(row, "session_id"),
    state: "open",
    at: 0,
    wait: toNewWait(row),
  }
}

import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { escapeText } from "../../rows/columns.ts"
import {
  type CommittedWait,
  createClosingRecords,
  mayCloseWaits,
  toOpenWait,
} from "../../rules/wait-changes.ts"
import { insertAudit } from "../../sql/approvals.ts"
import type { Query } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"

/**
 * Returns the open waits that the batches may close. The statement runs after the locks, so that it sees every
 * answer.
 */
export async function openWaits(
  query: Query,
  batches: readonly SessionBatch[],
): Promise<readonly CommittedWait[]> {
  const closing = batches.filter(mayCloseWaits)
  if (closing.length === 0) return []
  const rows = await query(
    `SELECT id, session_id, body FROM agent_gateway.wait
     WHERE session_id = ANY($1) AND state = 'open' ORDER BY id`,
    [closing.map(({ lease }) => lease.sessionId)],
  )
  return rows.map(toOpenWait)
}

/** Stores the changed waits of the batches, and their records in the audit trail. */
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
  await runSteps(query, insertAudit(createClosingRecords(waits)))
}

async function insert(query: Query, waits: readonly CommittedWait[]): Promise<void> {
  const rows = waits.map(({ sessionId, state, wait }, place) => ({
    place,
    session_id: sessionId,
    wait_id: escapeText(wait.waitId),
    run_id: wait.runId,
    tool_call_id: escapeText(wait.toolCallId),
    kind: wait.kind,
    state,
    expires_at: wait.expiresAt,
    body: JSON.stringify(wait),
  }))
  await query(
    `INSERT INTO agent_gateway.wait (session_id, wait_id, run_id, tool_call_id, kind, state, expires_at, body)
     SELECT session_id, wait_id, run_id, tool_call_id, kind, state, expires_at, body
     FROM json_to_recordset($1) AS each(
       place integer, session_id text, wait_id text, run_id text, tool_call_id text, kind text, state text,
       expires_at bigint, body text)
     ORDER BY place`,
    [JSON.stringify(rows)],
  )
}

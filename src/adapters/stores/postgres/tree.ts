import type { PutCommand } from "../../../core/ports/store/inbox.ts"
import type { CommandResult, StartChild } from "../../../core/ports/store/outbox.ts"
import { escapeText, readText } from "../rows/columns.ts"
import { toWait } from "../rows/wait-rows.ts"
import { childNotNeeded, endInPlaceOf, needsChild, reportInPlaceOf } from "../rules/child-starts.ts"
import { isCancelled } from "../rules/inbox-rules.ts"
import type { Revocation } from "../rules/revocation.ts"
import type { Versions } from "../rules/versions.ts"
import { findNewestWait } from "../sql/approvals.ts"
import { revokeDescendants } from "../sql/sessions.ts"
import type { Query } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import { lockReceiver, type Put, type PutOptions, putWithin, revokeSession } from "./inbox/inbox.ts"
import { putAnswerWithin } from "./waits/answer.ts"

/** A run to cancel, with the time of the cancel. */
interface Canceled {
  readonly sessionId: string
  /** Null for all runs of the session. */
  readonly runId: string | null
  readonly at: number
}

/** Puts the command. A cancel also reaches the descendant runs. Must be called inside a transaction. */
export async function putInTree(query: Query, command: PutCommand, options: PutOptions): Promise<Put> {
  const { sessionId, at, type } = command
  const put = await putWithin(query, command, options)
  const { outcome } = put
  if (type === "cancel" && outcome.status === "accepted") {
    await cancelBelow(query, { sessionId, runId: outcome.runId, at }, options.versions)
  }
  return put
}

/**
 * Revokes the session and all its descendants. Null if there is no such session. Must be called inside a transaction.
 */
export async function revokeInTree(
  query: Query,
  revocation: Revocation,
  versions: Versions,
): Promise<boolean | null> {
  const { sessionId, at } = revocation
  const isDue = await revokeSession(query, revocation, versions)
  if (isDue === null) return null
  await runSteps(query, revokeDescendants(sessionId, at))
  await cancelBelow(query, { sessionId, runId: null, at }, versions)
  return isDue
}

/**
 * Cancels all runs that work for these, level by level. Locks each session before it looks up its children, so that
 * no child starts in between. Must be called inside a transaction that has locked the session.
 */
async function cancelBelow(
  query: Query,
  { sessionId, runId, at }: Canceled,
  versions: Versions,
): Promise<void> {
  const runs = await query(
    `SELECT run.session_id, run.id AS run_id, run.state
     FROM agent_gateway.session JOIN agent_gateway.run ON run.session_id = session.id
     WHERE session.parent_session_id = $1 AND ($2::text IS NULL OR session.parent_run_id = $2)
     ORDER BY run.session_id, run.id`,
    [escapeText(sessionId), runId],
  )
  for (const row of runs) {
    const below = { sessionId: readText(row, "session_id"), runId: readText(row, "run_id"), at }
    const isLive = row.state === "open" || row.state === "queued"
    if (isLive) await putWithin(query, { type: "cancel", ...below }, { versions })
    else await lockReceiver(query, below.sessionId, versions)
    await cancelBelow(query, below, versions)
  }
}

/**
 * Creates the child and puts its message, or answers the call that it would have worked for. Must be called inside a
 * transaction.
 */
export async function startChild(
  query: Query,
  start: StartChild,
  versions: Versions,
): Promise<CommandResult> {
  const { child, command } = start
  const { sessionId, runId } = child.parent
  // A cancel of the parent's run locks the same row, so either the cancel comes first, or it finds the child.
  const parent = await lockReceiver(query, sessionId, versions)
  if (parent === null) return childNotNeeded
  const row = await runSteps(query, findNewestWait(sessionId, { waitId: command.runId }))
  const wait = row === undefined ? null : toWait(row)
  const isOver = isCancelled(parent.rows, runId) || (await isRevoked(query, sessionId))
  if (!needsChild(start, { wait, isCancelled: isOver })) {
    const end = endInPlaceOf(start)
    if (end !== null) await putWithin(query, end, { versions })
    return childNotNeeded
  }
  await query(
    `INSERT INTO agent_gateway.session (id, tenant, user_id, agent, created_at, last_used_at, parent_session_id,
       parent_run_id, parent_tool_call_id, root_id, depth)
     SELECT $1, tenant, user_id, $2, $3, $3, id, $4, $5, coalesce(root_id, id), depth + 1
     FROM agent_gateway.session WHERE id = $6
     ON CONFLICT DO NOTHING`,
    [
      command.sessionId,
      escapeText(child.agent),
      child.createdAt,
      runId,
      escapeText(child.parent.toolCallId),
      escapeText(sessionId),
    ],
  )
  const refused = reportInPlaceOf(start, (await putWithin(query, command, { versions })).outcome)
  if (refused?.type === "answer") await putAnswerWithin(query, refused, versions)
  else if (refused !== null) await putWithin(query, refused, { versions })
  return { type: "delivered" }
}

async function isRevoked(query: Query, sessionId: string): Promise<boolean> {
  const rows = await query("SELECT FROM agent_gateway.session WHERE id = $1 AND revoked_at IS NOT NULL", [
    escapeText(sessionId),
  ])
  return rows.length > 0
}

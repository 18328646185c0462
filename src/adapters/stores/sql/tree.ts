import type { PutCommand } from "../../../core/ports/store/inbox.ts"
import type { CommandResult, StartChild } from "../../../core/ports/store/outbox.ts"
import type { AnswerCommand, AnswerOutcome, PutOutcome } from "../../../core/ports/store/session-log.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { createDueCommand } from "../rows/command-rows.ts"
import { toWait } from "../rows/wait-rows.ts"
import { childNotNeeded, endInPlaceOf, needsChild, reportInPlaceOf } from "../rules/child-starts.ts"
import { isCancelled } from "../rules/inbox-rules.ts"
import { planRevocation } from "../rules/put-rules.ts"
import type { Revocation } from "../rules/revocation.ts"
import { judgeAnswer } from "../rules/wait-answers.ts"
import { findNewestWait, insertAudit, insertGrant } from "./approvals.ts"
import type { Inboxes, PutOptions } from "./inbox.ts"
import { revokeDescendants } from "./sessions.ts"
import { type Steps, schema, sql } from "./statement.ts"

export interface TreeChange<Outcome> {
  readonly outcome: Outcome
  /** The sessions that a process may have to check. */
  readonly arrivals: readonly string[]
}

/** Puts the command. A cancel also reaches the descendant runs. */
export function* putInTree(
  inboxes: Inboxes,
  command: PutCommand,
  options?: PutOptions,
): Steps<TreeChange<PutOutcome>> {
  const { sessionId, at, type } = command
  const { outcome, isDue } = yield* inboxes.put(command, options)
  const arrivals = isDue || outcome.status === "steered" ? [sessionId] : []
  if (type !== "cancel" || outcome.status !== "accepted") return { outcome, arrivals }
  const below = yield* inboxes.cancelBelow({ sessionId, runId: outcome.runId, at })
  return { outcome, arrivals: [...arrivals, ...below] }
}

/**
 * Refuses the tokens of a session and of all its descendants, cancels their open runs and withdraws their queued runs.
 * The outcome is false if there is no such session.
 */
export function* revokeInTree(inboxes: Inboxes, revocation: Revocation): Steps<TreeChange<boolean>> {
  const { sessionId, at, keepMs } = revocation
  const receiver = yield* inboxes.receive(sessionId)
  if (receiver === null) return { outcome: false, arrivals: [] }
  const revoked =
    yield sql`UPDATE ${schema}session SET revoked_at = ${at}, keep_ms = coalesce(${keepMs}, keep_ms)
    WHERE id = ${sessionId} AND revoked_at IS NULL RETURNING id`
  const plan = revoked.length === 0 ? null : planRevocation({ sessionId, at }, receiver)
  if (plan !== null) yield* inboxes.carryOut(sessionId, plan)
  yield* revokeDescendants(sessionId, at)
  const below = yield* inboxes.cancelBelow({ sessionId, runId: null, at })
  return { outcome: true, arrivals: plan?.isDue === true ? [sessionId, ...below] : below }
}

/** Creates the child and puts its message, or answers the call that it would have worked for. */
export function* startChild(inboxes: Inboxes, start: StartChild): Steps<CommandResult> {
  const { child, command } = start
  const { sessionId, runId } = child.parent
  // A cancel of the parent's run locks the same row, so either the cancel comes first, or it finds the child.
  const parent = yield* inboxes.receive(sessionId)
  if (parent === null) return childNotNeeded
  const row = yield* findNewestWait(sessionId, { waitId: command.runId })
  const wait = row === undefined ? null : toWait(row)
  if (!needsChild(start, { wait, isCancelled: parent.isRevoked || isCancelled(parent.rows, runId) })) {
    const end = endInPlaceOf(start)
    if (end !== null) yield* inboxes.put(end)
    return childNotNeeded
  }
  yield sql`INSERT INTO ${schema}session (id, tenant, user_id, agent, created_at, last_used_at, parent_session_id,
      parent_run_id, parent_tool_call_id, root_id, depth)
    SELECT ${command.sessionId}, tenant, user_id, ${escapeText(child.agent)}, ${child.createdAt}, ${child.createdAt},
      id, ${runId}, ${escapeText(child.parent.toolCallId)}, coalesce(root_id, id), depth + 1
    FROM ${schema}session WHERE id = ${escapeText(sessionId)}
    ON CONFLICT DO NOTHING`
  const refused = reportInPlaceOf(start, (yield* inboxes.put(command)).outcome)
  if (refused?.type === "answer") yield* putAnswer(inboxes, refused)
  else if (refused !== null) yield* inboxes.put(refused)
  return { type: "delivered" }
}

/** Stores answers. The outcomes have the order of the commands. */
export function* putAnswers(
  inboxes: Inboxes,
  commands: readonly AnswerCommand[],
): Steps<readonly AnswerOutcome[]> {
  const outcomes: AnswerOutcome[] = commands.map(() => ({ status: "unknown" }))
  for (const id of yield* inboxes.inLockOrder(new Set(commands.map(({ sessionId }) => sessionId)))) {
    for (const [index, command] of commands.entries()) {
      if (command.sessionId === id) outcomes[index] = yield* putAnswer(inboxes, command)
    }
  }
  return outcomes
}

/** Stores an answer. */
export function* putAnswer(inboxes: Inboxes, command: AnswerCommand): Steps<AnswerOutcome> {
  const receiver = yield* inboxes.receive(command.sessionId)
  if (receiver === null) return { status: "unknown" }
  const row = yield* findNewestWait(command.sessionId, command)
  const wait = row === undefined ? null : toWait(row)
  const cancelled = wait !== null && isCancelled(receiver.rows, wait.runId)
  const { accepted, outcome } = judgeAnswer(wait, command, { cancelled })
  if (row === undefined || accepted === null) return outcome
  yield sql`UPDATE ${schema}wait SET state = 'answered' WHERE id = ${readInteger(row, "id")}`
  yield* inboxes.insert(createDueCommand(accepted.command))
  yield* insertAudit(accepted.records)
  if (accepted.grant !== null) yield* insertGrant(accepted.grant)
  return outcome
}

import type { PutCommand } from "../../../core/ports/store/inbox.ts"
import type { CommandResult, StartChild } from "../../../core/ports/store/outbox.ts"
import type { CancelCommand, PutOutcome } from "../../../core/ports/store/session-log.ts"
import { escapeText, readInteger, readText } from "../rows/columns.ts"
import { toWait } from "../rows/wait-rows.ts"
import { childNotNeeded, endInPlaceOf, needsChild, reportInPlaceOf } from "../rules/child-starts.ts"
import { isCancelled } from "../rules/inbox-rules.ts"
import type { Revocation } from "../rules/revocation.ts"
import { findNewestWait } from "../sql/approvals.ts"
import { revokeDescendants } from "../sql/sessions.ts"
import type { Database } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import { findAcceptedRun, type PutOptions, put, readInbox, revokeSession } from "./inbox.ts"
import { putAnswer } from "./waits/answer.ts"

/** A run to cancel, with the time of the cancel. */
export interface Canceled {
  readonly sessionId: string
  /** Null for all runs of the session. */
  readonly runId: string | null
  readonly at: number
}

export interface TreeChange<Outcome> {
  readonly outcome: Outcome
  /** The sessions that a process may have to check. */
  readonly arrivals: readonly string[]
}

/** Puts the command. A cancel also reaches the descendant runs. Must be called inside a transaction. */
export function putInTree(
  database: Database,
  command: PutCommand,
  options: PutOptions,
): TreeChange<PutOutcome> {
  const { sessionId, at, type } = command
  const { outcome, isDue } = put(database, command, options)
  const arrivals = isDue || outcome.status === "steered" ? [sessionId] : []
  if (type !== "cancel" || outcome.status !== "accepted") return { outcome, arrivals }
  const below = cancelBelow(database, { sessionId, runId: outcome.runId, at }, options)
  return { outcome, arrivals: [...arrivals, ...below] }
}

/**
 * Revokes the session and all its descendants. The outcome is false if there is no such session. Must be called
 * inside a transaction.
 */
export function revokeInTree(
  database: Database,
  revocation: Revocation,
  options: PutOptions,
): TreeChange<boolean> {
  const { sessionId, at } = revocation
  const isDue = revokeSession(database, revocation, options)
  if (isDue === null) return { outcome: false, arrivals: [] }
  runSteps(database, options.now, revokeDescendants(sessionId, at))
  const below = cancelBelow(database, { sessionId, runId: null, at }, options)
  return { outcome: true, arrivals: isDue ? [sessionId, ...below] : below }
}

/** Selects the live runs that work for a run, or for a session, at every level, without those that are canceled. */
const liveBelow = `
  WITH RECURSIVE below (session_id, run_id, state) AS (
    SELECT run.session_id, run.id, run.state FROM session JOIN run ON run.session_id = session.id
    WHERE session.parent_session_id = ? AND (? IS NULL OR session.parent_run_id = ?)
    UNION ALL
    SELECT run.session_id, run.id, run.state FROM below
    JOIN session ON session.parent_session_id = below.session_id AND session.parent_run_id = below.run_id
    JOIN run ON run.session_id = session.id)
  SELECT session_id, run_id FROM below WHERE state IN ('open', 'queued') AND NOT EXISTS (
    SELECT 1 FROM command WHERE command.session_id = below.session_id AND command.run_id = below.run_id
      AND type IN ('cancel', 'withdraw'))`

function findLiveBelow(database: Database, { sessionId, runId, at }: Canceled): readonly CancelCommand[] {
  return database.all(liveBelow, escapeText(sessionId), runId, runId).map((row) => ({
    type: "cancel",
    sessionId: readText(row, "session_id"),
    runId: readText(row, "run_id"),
    at,
  }))
}

/** Cancels all runs that work for these. Returns their sessions. Must be called inside a transaction. */
function cancelBelow(database: Database, canceled: Canceled, options: PutOptions): readonly string[] {
  return findLiveBelow(database, canceled).map((command) => {
    put(database, command, options)
    return command.sessionId
  })
}

/** Maximum runs that one transaction cancels, in 3 ms of the event loop (rule 15). */
const canceledAtOnce = 50

export interface ManyBelow {
  /** Returns what is about to be canceled. Null if that will be refused. Called inside a read. */
  readonly find: () => Canceled | null
  readonly options: () => PutOptions
  /** Called with each session that a process may have to check. */
  readonly arrived: (sessionId: string) => void
}

/**
 * If many runs work for a run that is about to be canceled, or for a session that is about to be revoked, cancels them
 * in short transactions. The transaction that follows then finds only those that started meanwhile. If the process
 * ends in between, nothing was acknowledged.
 */
export async function cancelManyBelow(
  database: Database,
  { find, options, arrived }: ManyBelow,
): Promise<void> {
  const below = await database.read(() => {
    const canceled = find()
    return canceled === null ? [] : findLiveBelow(database, canceled)
  })
  if (below.length <= canceledAtOnce) return
  for (let first = 0; first < below.length; first += canceledAtOnce) {
    const some = below.slice(first, first + canceledAtOnce)
    await database.write(() => {
      for (const command of some) put(database, command, options())
    })
    for (const { sessionId } of some) arrived(sessionId)
  }
}

/** Returns the run that a cancel is about to cancel. Null if it will be refused. Must be called inside a read. */
export function findCanceled(
  database: Database,
  command: CancelCommand,
  options: Pick<PutOptions, "versions" | "now">,
): Canceled | null {
  const runId = findAcceptedRun(database, command, options)
  return runId === null ? null : { sessionId: command.sessionId, runId, at: command.at }
}

/**
 * Creates the child and puts its message, or answers the call that it would have worked for. Must be called inside a
 * transaction.
 */
export function startChild(database: Database, start: StartChild, options: PutOptions): CommandResult {
  const { child, command } = start
  const { sessionId, runId } = child.parent
  const parent = database.get(
    "SELECT id, tenant, user_id, coalesce(root_id, id) AS root_id, depth, revoked_at FROM session WHERE id = ?",
    escapeText(sessionId),
  )
  if (parent === undefined) return childNotNeeded
  const row = runSteps(database, options.now, findNewestWait(sessionId, { waitId: command.runId }))
  const wait = row === undefined ? null : toWait(row)
  const isOver = parent.revoked_at !== null || isCancelled(readInbox(database, sessionId), runId)
  if (!needsChild(start, { wait, isCancelled: isOver })) {
    const end = endInPlaceOf(start)
    if (end !== null) put(database, end, options)
    return childNotNeeded
  }
  database.run(
    `INSERT INTO session (id, tenant, user_id, agent, created_at, last_used_at, parent_session_id, parent_run_id,
       parent_tool_call_id, root_id, depth) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    command.sessionId,
    readText(parent, "tenant"),
    readText(parent, "user_id"),
    escapeText(child.agent),
    child.createdAt,
    child.createdAt,
    sessionId,
    runId,
    escapeText(child.parent.toolCallId),
    readText(parent, "root_id"),
    readInteger(parent, "depth") + 1,
  )
  const refused = reportInPlaceOf(start, put(database, command, options).outcome)
  if (refused?.type === "answer") putAnswer(database, refused, options)
  else if (refused !== null) put(database, refused, options)
  return { type: "delivered" }
}

import type { CancelCommand } from "../../../core/ports/store/session-log.ts"
import { escapeText, readText } from "../rows/columns.ts"
import { toOutboxCommand } from "../rows/outbox-rows.ts"
import type { Canceled, Inboxes } from "../sql/inbox.ts"
import { isForeign } from "../sql/outbox-commands.ts"
import type { Steps } from "../sql/statement.ts"
import type { Database } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import {
  carryOut,
  changeSession,
  findAcceptedRun,
  findReceiver,
  insertCommand,
  type PutOptions,
  put,
} from "./inbox.ts"

/** Runs steps over the inboxes. Must be called inside a transaction, which locks the database. */
export function runInInboxes<T>(
  database: Database,
  context: PutOptions,
  steps: (inboxes: Inboxes) => Steps<T>,
): T {
  const inboxes: Inboxes = {
    put: (command, options) => atOnce(() => put(database, command, { ...context, ...options })),
    receive: (sessionId) => atOnce(() => findReceiver(database, sessionId, context)),
    insert: (command) =>
      atOnce(() => changeSession(database, command.command.sessionId, insertCommand(database, command))),
    inLockOrder: (ids) => atOnce(() => [...ids]),
    carryOut: (sessionId, plan) => atOnce(() => void carryOut(database, plan, { sessionId, message: null })),
    cancelBelow: (canceled) =>
      atOnce(() =>
        findLiveBelow(database, canceled).map((command) => {
          put(database, command, context)
          return command.sessionId
        }),
      ),
  }
  return runSteps(database, context.now, steps(inboxes))
}

/** Returns work without statements for the caller, because it runs its own. */
// biome-ignore lint/correctness/useYield: there is nothing to yield.
function* atOnce<T>(work: () => T): Steps<T> {
  return work()
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

/** Longer payloads are messages and answers, which may have megabytes. */
const maxCancelBytes = 2_000

/** Returns the run that an outbox row is about to cancel. Null if it has no cancel. Must be called inside a read. */
export function findRunToCancel(
  database: Database,
  number: number,
  options: Pick<PutOptions, "versions" | "now">,
): Canceled | null {
  const row = database.get(
    "SELECT session_id, payload FROM outbox WHERE number = ? AND bytes <= ?",
    number,
    maxCancelBytes,
  )
  const command = row === undefined ? null : toOutboxCommand(row)
  if (row === undefined || command?.type !== "put" || command.command.type !== "cancel") return null
  const isRefused = runSteps(database, options.now, isForeign(row, command))
  return isRefused ? null : findCanceled(database, command.command, options)
}

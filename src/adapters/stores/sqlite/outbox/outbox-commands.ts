import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { CommandDelivery, CommandResult, OutboxCommand } from "../../../../core/ports/store/outbox.ts"
import { type Row, readInteger } from "../../rows/columns.ts"
import {
  decideCommandResult,
  decideFailedCommand,
  notACommand,
  toOutboxCommand,
} from "../../rows/outbox-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import { decideWithoutSession, isForeign, lockDueRow, writeResult } from "../../sql/outbox-commands.ts"
import type { Database } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"
import { type Canceled, cancelManyBelow, findCanceled, putInTree, startChild } from "../tree.ts"
import { putAnswer } from "../waits/answer.ts"

interface Delivering {
  readonly now: number
  readonly versions: Versions
}

interface Moving extends Delivering {
  /** Called with each session below a canceled run that a process may have to check. */
  readonly arrived: (sessionId: string) => void
}

/** Moves one command in a transaction. If the inbox cannot accept the command in its form, the command is dead. */
export async function moveCommand(
  database: Database,
  number: number,
  { now, versions, arrived }: Moving,
): Promise<CommandDelivery | null> {
  try {
    const options = () => ({ versions, now })
    await cancelManyBelow(database, {
      find: () => findRunToCancel(database, number, options()),
      options,
      arrived,
    })
    return await database.write(() => deliverCommand(database, number, { now, versions }))
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    return database.write(() => {
      const row = runSteps(database, now, lockDueRow(number))
      return row === undefined
        ? null
        : runSteps(database, now, writeResult(row, null, decideFailedCommand(error)))
    })
  }
}

/** Longer payloads are messages and answers, which may have megabytes. */
const maxCancelBytes = 2_000

/** Returns the run that the row is about to cancel. Null if the row has no cancel. Must be called inside a read. */
function findRunToCancel(database: Database, number: number, options: Delivering): Canceled | null {
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

/**
 * Moves the command into its session's inbox. Null if the row is gone or no longer due. Must be called inside a
 * transaction.
 */
function deliverCommand(database: Database, number: number, delivering: Delivering): CommandDelivery | null {
  const row = runSteps(database, delivering.now, lockDueRow(number))
  if (row === undefined) return null
  const command = toOutboxCommand(row)
  if (command === null) return runSteps(database, delivering.now, writeResult(row, null, notACommand))
  const decided = runSteps(database, delivering.now, decideWithoutSession(row, command))
  const result = decided ?? putCommand(database, row, command, delivering)
  return runSteps(database, delivering.now, writeResult(row, command.command.sessionId, result))
}

function putCommand(
  database: Database,
  row: Row,
  command: OutboxCommand,
  options: Delivering,
): CommandResult {
  if (command.type === "startChild") return startChild(database, command, options)
  const outcome =
    command.type === "put"
      ? putInTree(database, command.command, options).outcome
      : putAnswer(database, command.command, options)
  return decideCommandResult(command, outcome, readInteger(row, "attempts"))
}

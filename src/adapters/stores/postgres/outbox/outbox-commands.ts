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
import { decideWithoutSession, lockDueRow, writeResult } from "../../sql/outbox-commands.ts"
import type { Database, Query } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"
import { putInTree, startChild } from "../tree.ts"
import { putAnswerWithin } from "../waits/answer.ts"

/** Moves commands one after another. */
export async function deliverCommands(
  database: Database,
  numbers: readonly number[],
  versions: Versions,
): Promise<readonly (CommandDelivery | null)[]> {
  const deliveries: (CommandDelivery | null)[] = []
  for (const number of numbers) deliveries.push(await deliverCommand(database, number, versions))
  return deliveries
}

/**
 * Moves one command into its session's inbox, in a transaction. Null if the row is gone, no longer due, or being
 * moved by another process. If the inbox cannot accept the command in its form, the command is dead.
 */
async function deliverCommand(
  database: Database,
  number: number,
  versions: Versions,
): Promise<CommandDelivery | null> {
  try {
    return await database.transaction(async (query) => {
      const row = await runSteps(query, lockDueRow(number))
      if (row === undefined) return null
      const command = toOutboxCommand(row)
      if (command === null) return runSteps(query, writeResult(row, null, notACommand))
      const decided = await runSteps(query, decideWithoutSession(row, command))
      const result = decided ?? (await putCommand(query, row, command, versions))
      return runSteps(query, writeResult(row, command.command.sessionId, result))
    })
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    return database.transaction(async (query) => {
      const row = await runSteps(query, lockDueRow(number))
      return row === undefined ? null : runSteps(query, writeResult(row, null, decideFailedCommand(error)))
    })
  }
}

async function putCommand(
  query: Query,
  row: Row,
  command: OutboxCommand,
  versions: Versions,
): Promise<CommandResult> {
  if (command.type === "startChild") return startChild(query, command, versions)
  const outcome =
    command.type === "put"
      ? (await putInTree(query, command.command, { versions })).outcome
      : await putAnswerWithin(query, command.command, versions)
  return decideCommandResult(command, outcome, readInteger(row, "attempts"))
}

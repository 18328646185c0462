import { StoreUnavailableError } from "../../../core/errors.ts"
import type { CommandDelivery, CommandResult, OutboxCommand } from "../../../core/ports/store/outbox.ts"
import { escapeText, type Row, readInteger, readText, unescapeText } from "../../rows/columns.ts"
import {
  decideCommandResult,
  decideFailedCommand,
  findAwaitedStart,
  notStartedYet,
  toOutboxCommand,
  toStoredError,
} from "../../rows/outbox-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import type { Database } from "../database/database.ts"
import { putInTree, startChild } from "../tree.ts"
import { putAnswer } from "../waits/answer.ts"

interface Delivering {
  readonly now: number
  readonly versions: Versions
}

/** Moves one command in a transaction. If the inbox cannot accept the command in its form, the command is dead. */
export async function moveCommand(
  database: Database,
  number: number,
  { now, versions }: Delivering,
): Promise<CommandDelivery | null> {
  try {
    return await database.write(() => deliverCommand(database, number, { now, versions }))
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    const result = decideFailedCommand(error)
    return database.write(() => {
      const row = database.get("SELECT id, session_id FROM outbox WHERE number = ?", number)
      if (row === undefined) return null
      writeResult(database, { number, result, now })
      return {
        number,
        id: unescapeText(readText(row, "id")),
        from: readText(row, "session_id"),
        to: null,
        result,
      }
    })
  }
}

/**
 * Moves the command into its session's inbox. Null if the row is gone or no longer due. Must be called inside a
 * transaction.
 */
function deliverCommand(
  database: Database,
  number: number,
  { now, versions }: Delivering,
): CommandDelivery | null {
  const row = database.get(
    "SELECT id, session_id, payload, attempts FROM outbox WHERE number = ? AND due_at <= ?",
    number,
    now,
  )
  if (row === undefined) return null
  const from = readText(row, "session_id")
  const command = toOutboxCommand(row)
  const result = computeResult(database, row, { command, now, versions })
  writeResult(database, { number, result, now })
  return {
    number,
    id: unescapeText(readText(row, "id")),
    from,
    to: command?.command.sessionId ?? null,
    result,
  }
}

function computeResult(
  database: Database,
  row: Row,
  { command, now, versions }: Delivering & { readonly command: OutboxCommand | null },
): CommandResult {
  if (command === null) return { type: "dead", reason: "not_a_command" }
  const to = escapeText(command.command.sessionId)
  const isForeign = database.get(
    `SELECT 1 FROM session AS target WHERE target.id = ? AND NOT EXISTS (
       SELECT 1 FROM session AS sender
       WHERE sender.id = ? AND sender.tenant = target.tenant AND sender.user_id = target.user_id)`,
    to,
    readText(row, "session_id"),
  )
  if (isForeign !== undefined) return { type: "dead", reason: "other_principal" }
  if (command.type === "startChild") return startChild(database, command, { versions, now })
  const start = findAwaitedStart(command)
  const isAwaited =
    start !== null &&
    database.get("SELECT 1 FROM session WHERE id = ?", to) === undefined &&
    database.get(
      "SELECT 1 FROM outbox WHERE session_id = ? AND id = ?",
      readText(row, "session_id"),
      escapeText(start),
    ) !== undefined
  if (isAwaited) return notStartedYet
  const outcome =
    command.type === "put"
      ? putInTree(database, command.command, { versions, now }).outcome
      : putAnswer(database, command.command, { versions, now })
  return decideCommandResult(command, outcome, readInteger(row, "attempts"))
}

function writeResult(
  database: Database,
  { number, result, now }: { readonly number: number; readonly result: CommandResult; readonly now: number },
): void {
  switch (result.type) {
    case "delivered":
    case "dropped":
      database.run("DELETE FROM outbox WHERE number = ?", number)
      return
    case "dead":
    case "retry": {
      const dueAt = result.type === "dead" ? null : now + result.retryInMs
      database.run(
        "UPDATE outbox SET attempts = attempts + 1, due_at = ?, died_at = ?, last_error = ? WHERE number = ?",
        dueAt,
        dueAt === null ? now : null,
        toStoredError(result.reason),
        number,
      )
      return
    }
    default:
      result satisfies never
  }
}

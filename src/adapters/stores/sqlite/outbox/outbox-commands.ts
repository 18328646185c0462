import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { CommandDelivery, CommandResult, OutboxCommand } from "../../../../core/ports/store/outbox.ts"
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
  return isForeign(database, row, command) ? null : findCanceled(database, command.command, options)
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
  if (isForeign(database, row, command)) return { type: "dead", reason: "other_principal" }
  if (command.type === "startChild") return startChild(database, command, { versions, now })
  const start = findAwaitedStart(command)
  const isAwaited =
    start !== null &&
    database.get("SELECT 1 FROM session WHERE id = ?", escapeText(command.command.sessionId)) === undefined &&
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

/** Returns true if the command is for a session of another principal. */
function isForeign(database: Database, row: Row, { command: { sessionId } }: OutboxCommand): boolean {
  const foreign = database.get(
    `SELECT 1 FROM session AS target WHERE target.id = ? AND NOT EXISTS (
       SELECT 1 FROM session AS sender
       WHERE sender.id = ? AND sender.tenant = target.tenant AND sender.user_id = target.user_id)`,
    escapeText(sessionId),
    readText(row, "session_id"),
  )
  return foreign !== undefined
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

import { StoreUnavailableError } from "../../../core/errors.ts"
import type { CommandDelivery, CommandResult, OutboxCommand } from "../../../core/ports/store/outbox.ts"
import { escapeText, type Row, readInteger, readText, unescapeText } from "../rows/columns.ts"
import {
  decideCommandResult,
  decideFailedCommand,
  findAwaitedStart,
  notACommand,
  notStartedYet,
  toOutboxCommand,
  toStoredError,
} from "../rows/outbox-rows.ts"
import type { Inboxes, InboxTransaction } from "./inbox.ts"
import { lockRows, now, type Steps, schema, sql } from "./statement.ts"
import { putAnswer, putInTree, startChild } from "./tree.ts"

/**
 * Moves one command in a transaction, after `prepare`. If the inbox cannot accept the command in its form, the command
 * is dead.
 */
export async function moveCommand(
  inTransaction: InboxTransaction,
  number: number,
  prepare: () => Promise<void> = async () => {},
): Promise<CommandDelivery | null> {
  try {
    await prepare()
    return await inTransaction((inboxes) => deliverCommand(inboxes, number))
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    return inTransaction(() => failCommand(number, error))
  }
}

/**
 * Moves one command into its session's inbox. Null if the row is gone, no longer due, or being moved by another
 * process.
 */
function* deliverCommand(inboxes: Inboxes, number: number): Steps<CommandDelivery | null> {
  const row = yield* lockDueRow(number)
  if (row === undefined) return null
  const command = toOutboxCommand(row)
  if (command === null) return yield* writeResult(row, null, notACommand)
  const decided = yield* decideWithoutSession(row, command)
  const result = decided ?? (yield* putCommand(inboxes, row, command))
  return yield* writeResult(row, command.command.sessionId, result)
}

/** Stores that the inbox could not accept the command in its form, so it is dead. */
function* failCommand(number: number, error: unknown): Steps<CommandDelivery | null> {
  const row = yield* lockDueRow(number)
  return row === undefined ? null : yield* writeResult(row, null, decideFailedCommand(error))
}

function* putCommand(inboxes: Inboxes, row: Row, command: OutboxCommand): Steps<CommandResult> {
  if (command.type === "startChild") return yield* startChild(inboxes, command)
  const outcome =
    command.type === "put"
      ? (yield* putInTree(inboxes, command.command)).outcome
      : yield* putAnswer(inboxes, command.command)
  return decideCommandResult(command, outcome, readInteger(row, "attempts"))
}

/** Locks the row of a due command until the end of the transaction, unless another transaction has locked it. */
function* lockDueRow(number: number): Steps<Row | undefined> {
  const [row] = yield sql`SELECT number, id, session_id, payload, attempts FROM ${schema}outbox
    WHERE number = ${number} AND due_at <= ${now} ${lockRows("FOR UPDATE SKIP LOCKED")}`
  return row
}

/** Returns the result of a command that its session need not decide. Null for any other. */
function* decideWithoutSession(row: Row, command: OutboxCommand): Steps<CommandResult | null> {
  if (yield* isForeign(row, command)) return { type: "dead", reason: "other_principal" }
  const start = findAwaitedStart(command)
  if (start === null) return null
  const awaited = yield sql`SELECT id FROM ${schema}outbox
    WHERE session_id = ${readText(row, "session_id")} AND id = ${escapeText(start)} AND NOT EXISTS (
      SELECT 1 FROM ${schema}session WHERE id = ${escapeText(command.command.sessionId)})`
  return awaited.length > 0 ? notStartedYet : null
}

/** Returns true if the command is for a session of another principal. */
export function* isForeign(row: Row, { command: { sessionId } }: OutboxCommand): Steps<boolean> {
  const foreign = yield sql`SELECT target.id FROM ${schema}session AS target
    WHERE target.id = ${escapeText(sessionId)} AND NOT EXISTS (
      SELECT 1 FROM ${schema}session AS sender WHERE sender.id = ${readText(row, "session_id")}
        AND sender.tenant = target.tenant AND sender.user_id = target.user_id)`
  return foreign.length > 0
}

/** Stores the result of a command. `to` is its session, if it has one. */
function* writeResult(row: Row, to: string | null, result: CommandResult): Steps<CommandDelivery> {
  const number = readInteger(row, "number")
  switch (result.type) {
    case "delivered":
    case "dropped":
      yield sql`DELETE FROM ${schema}outbox WHERE number = ${number}`
      break
    case "dead":
    case "retry": {
      const [dueAt, diedAt] =
        result.type === "dead" ? [sql`NULL`, now] : [sql`${now} + ${result.retryInMs}`, sql`NULL`]
      yield sql`UPDATE ${schema}outbox SET attempts = attempts + 1, due_at = ${dueAt}, died_at = ${diedAt},
          last_error = ${toStoredError(result.reason)}
        WHERE number = ${number}`
      break
    }
    default:
      result satisfies never
  }
  return { number, id: unescapeText(readText(row, "id")), from: readText(row, "session_id"), to, result }
}

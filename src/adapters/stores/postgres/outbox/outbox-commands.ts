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
import type { Database, Query } from "../database/database.ts"
import { nowMs } from "../schema.ts"
import { putInTree, startChild } from "../tree.ts"
import { putAnswerWithin } from "../waits/answer.ts"

/**
 * Moves one command into its session's inbox, in a transaction. Null if the row is gone, no longer due, or being
 * moved by another process. If the inbox cannot accept the command in its form, the command is dead.
 */
export async function deliverCommand(
  database: Database,
  number: number,
  versions: Versions,
): Promise<CommandDelivery | null> {
  try {
    return await database.transaction(async (query) => {
      const row = await lockRow(query, number)
      if (row === undefined) return null
      const command = toOutboxCommand(row)
      const result = await computeResult(query, row, { command, versions })
      return writeResult(query, { number, row, to: command?.command.sessionId ?? null, result })
    })
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error
    const result = decideFailedCommand(error)
    return database.transaction(async (query) => {
      const row = await lockRow(query, number)
      return row === undefined ? null : writeResult(query, { number, row, to: null, result })
    })
  }
}

async function lockRow(query: Query, number: number): Promise<Row | undefined> {
  const [row] = await query(
    `SELECT id, session_id, payload, attempts FROM agent_gateway.outbox
     WHERE number = $1 AND due_at <= ${nowMs} FOR UPDATE SKIP LOCKED`,
    [number],
  )
  return row
}

async function computeResult(
  query: Query,
  row: Row,
  { command, versions }: { readonly command: OutboxCommand | null; readonly versions: Versions },
): Promise<CommandResult> {
  if (command === null) return { type: "dead", reason: "not_a_command" }
  const [foreign] = await query(
    `SELECT FROM agent_gateway.session AS target WHERE target.id = $1 AND NOT EXISTS (
       SELECT FROM agent_gateway.session AS sender
       WHERE sender.id = $2 AND sender.tenant = target.tenant AND sender.user_id = target.user_id)`,
    [escapeText(command.command.sessionId), readText(row, "session_id")],
  )
  if (foreign !== undefined) return { type: "dead", reason: "other_principal" }
  if (command.type === "startChild") return startChild(query, command, versions)
  const start = findAwaitedStart(command)
  if (start !== null) {
    const [awaited] = await query(
      `SELECT FROM agent_gateway.outbox WHERE session_id = $1 AND id = $2
         AND NOT EXISTS (SELECT FROM agent_gateway.session WHERE id = $3)`,
      [readText(row, "session_id"), escapeText(start), escapeText(command.command.sessionId)],
    )
    if (awaited !== undefined) return notStartedYet
  }
  const outcome =
    command.type === "put"
      ? (await putInTree(query, command.command, { versions })).outcome
      : await putAnswerWithin(query, command.command, versions)
  return decideCommandResult(command, outcome, readInteger(row, "attempts"))
}

interface Written {
  readonly number: number
  readonly row: Row
  readonly to: string | null
  readonly result: CommandResult
}

async function writeResult(query: Query, { number, row, to, result }: Written): Promise<CommandDelivery> {
  switch (result.type) {
    case "delivered":
    case "dropped":
      await query("DELETE FROM agent_gateway.outbox WHERE number = $1", [number])
      break
    case "dead":
    case "retry":
      await query(
        `UPDATE agent_gateway.outbox SET attempts = attempts + 1, due_at = ${nowMs} + $2::bigint,
           died_at = CASE WHEN $2::bigint IS NULL THEN ${nowMs} END, last_error = $3 WHERE number = $1`,
        [number, result.type === "dead" ? null : result.retryInMs, toStoredError(result.reason)],
      )
      break
    default:
      result satisfies never
  }
  return { number, id: unescapeText(readText(row, "id")), from: readText(row, "session_id"), to, result }
}

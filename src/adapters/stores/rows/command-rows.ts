import { findMessageVersion, firstVersion } from "../../../core/log/forms.ts"
import type { StoredCommand } from "../../../core/ports/store/session-log.ts"
import { type Row, readInteger, readText } from "./columns.ts"
import {
  findLargeContent,
  type LargeContents,
  noLargeContents,
  writeCommandText,
} from "./large/large-contents.ts"

/** A command in an inbox, without its content. */
export interface CommandRow {
  readonly id: number
  readonly runId: string
  readonly type: string
  /** Orders messages that may be taken: the lowest rank comes first, and of equal ranks the oldest message. */
  readonly rank: number
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number
  /** Time from which the command is work. Null while it is no work. */
  readonly dueAt: number | null
}

/**
 * Columns of an inbox row that `toCommandRow` parses. An index covers them, because a command's body may be large.
 */
export const commandColumns = ["id", "run_id", "type", "rank", "not_before", "due_at"]
  .map((column) => `command.${column}`)
  .join(", ")

export function toCommandRow(row: Row): CommandRow {
  return {
    id: readInteger(row, "id"),
    runId: readText(row, "run_id"),
    type: readText(row, "type"),
    rank: readInteger(row, "rank"),
    notBefore: readInteger(row, "not_before"),
    dueAt: row.due_at === null ? null : readInteger(row, "due_at"),
  }
}

/** A new command, and its place in the inbox. */
export interface NewCommand {
  readonly command: StoredCommand
  readonly rank: number
  readonly notBefore: number
  readonly dueAt: number | null
}

/** The columns of a new command. */
export interface NewCommandRow extends Omit<NewCommand, "command"> {
  readonly sessionId: string
  readonly runId: string
  readonly type: string
  readonly body: string
  /** Bytes that count toward the stored size of the session until the command is consumed. */
  readonly bytes: number
  /** The log version that a process must read to understand the command. */
  readonly version: number
}

export function createDueCommand(command: StoredCommand): NewCommand {
  return { command, rank: 0, notBefore: 0, dueAt: 0 }
}

/** Returns the row of a command. `texts` contains the texts of large contents that were made before. */
export function toCommandInsert(
  { command, ...place }: NewCommand,
  texts: LargeContents = noLargeContents,
): NewCommandRow {
  const body = writeCommandText(command, texts)
  const { sessionId, runId } = command
  // Other commands are small.
  const counts = command.type === "message" || command.type === "steer" || command.type === "taskEnd"
  const large = findLargeContent(command, texts)
  const elsewhere = large === null ? 0 : large.bytes - Buffer.byteLength(large.text)
  const bytes = counts ? Buffer.byteLength(body) + elsewhere : 0
  return {
    ...place,
    sessionId,
    runId,
    type: command.type,
    body,
    bytes,
    version: command.type === "message" ? findMessageVersion(command) : firstVersion,
  }
}

import type { StoredCommand } from "../core/ports/session-log.ts"
import { integer, type Row, text } from "./columns.ts"

/** A command in an inbox, without its content. */
export interface CommandRow {
  readonly id: number
  readonly runId: string
  readonly type: string
  /** Orders messages that may be taken: the lowest comes first, and of equal ones the oldest. */
  readonly rank: number
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number
  /** The command is work from this time on; null while it is none. */
  readonly dueAt: number | null
}

/** Columns of an inbox row as `toCommandRow` parses them. An index covers them, because a command's body may be large. */
export const commandColumns = "id, run_id, type, rank, not_before, due_at"

export function toCommandRow(row: Row): CommandRow {
  return {
    id: integer(row, "id"),
    runId: text(row, "run_id"),
    type: text(row, "type"),
    rank: integer(row, "rank"),
    notBefore: integer(row, "not_before"),
    dueAt: row.due_at === null ? null : integer(row, "due_at"),
  }
}

/** The columns of a new command. */
export interface NewCommandRow {
  readonly command: StoredCommand
  readonly body: string
  readonly rank: number
  readonly notBefore: number
  readonly dueAt: number | null
  /** Counts toward the stored size of the session until the command is consumed. */
  readonly bytes: number
}

/** Returns the columns of a command that is due at once. Its content is small, or bounded where it is accepted. */
export function dueRow(command: StoredCommand): NewCommandRow {
  return { command, body: JSON.stringify(command), rank: 0, notBefore: 0, dueAt: 0, bytes: 0 }
}

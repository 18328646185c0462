import { LogTooNewError, toError } from "../../../core/errors.ts"
import {
  type ClaimedItem,
  type CommandOutcome,
  type CommandResult,
  type OutboxCommand,
  type OutboxItem,
  type OutboxRow,
  type StartChild,
  startId,
} from "../../../core/ports/store/outbox.ts"
import type { SessionBatch } from "../../../core/ports/store/session-log.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"
import {
  escapeText,
  type Row,
  readInteger,
  readJson,
  readNullableText,
  readText,
  unescapeText,
} from "./columns.ts"

/** An item as it is stored. */
export interface NewOutboxRow {
  readonly session_id: string
  readonly id: string
  readonly kind: string
  readonly payload: string
  readonly bytes: number
  /** Null for an item that is due at once. */
  readonly due_at: number | null
}

export function createOutboxRows({ lease, outbox = [] }: SessionBatch): readonly NewOutboxRow[] {
  return outbox.map((item) => createOutboxRow(lease.sessionId, item))
}

function createOutboxRow(sessionId: string, { id, kind, payload, notBefore }: OutboxItem): NewOutboxRow {
  const body = JSON.stringify(payload)
  const bytes = Buffer.byteLength(body)
  return {
    session_id: sessionId,
    id: escapeText(id),
    kind: escapeText(kind),
    payload: body,
    bytes,
    due_at: notBefore ?? null,
  }
}

/** Converts a row that was just claimed. */
export function toClaimedItem(row: Row): ClaimedItem {
  return {
    number: readInteger(row, "number"),
    id: unescapeText(readText(row, "id")),
    sessionId: readText(row, "session_id"),
    kind: unescapeText(readText(row, "kind")),
    payload: readJson(row, "payload"),
    attempt: readInteger(row, "attempts"),
    interrupted: row.interrupted === 1 || row.interrupted === true,
    claim: readText(row, "claim"),
  }
}

/** SQL: the columns of `toOutboxRow`. */
export const rowColumns = `number, id, session_id, kind, substr(payload, 1, 200) AS preview, bytes, attempts,
  last_error,
  created_at, due_at, died_at`

export function toOutboxRow(row: Row): OutboxRow {
  return {
    number: readInteger(row, "number"),
    id: unescapeText(readText(row, "id")),
    sessionId: readText(row, "session_id"),
    kind: unescapeText(readText(row, "kind")),
    preview: readText(row, "preview"),
    bytes: readInteger(row, "bytes"),
    state: row.died_at === null ? "waiting" : "dead",
    attempts: readInteger(row, "attempts"),
    lastError: readStoredError(readNullableText(row, "last_error")),
    createdAt: readInteger(row, "created_at"),
    dueAt: row.due_at === null ? null : readInteger(row, "due_at"),
    diedAt: row.died_at === null ? null : readInteger(row, "died_at"),
  }
}

const maxErrorCharacters = 1_000

/**
 * Returns an error's text for a row. Errors of others may be long, and contain characters that a database refuses.
 */
export function toStoredError(error: string): string {
  return escapeText(error.slice(0, maxErrorCharacters))
}

function readStoredError(error: string | null): string | null {
  return error === null ? null : unescapeText(error)
}

/** A command's session may be busy for as long as a person takes to answer it. */
const commandBackoff = { firstMs: 1_000, maxMs: 60_000, jitter: 0 }
const maxCommandAttempts = 1_500

/** Returns the command. Null if the payload is not a command. */
export function toOutboxCommand(row: Row): OutboxCommand | null {
  const payload = readJson<Partial<OutboxCommand> | null>(row, "payload")
  const isCommand =
    (payload?.type === "put" || payload?.type === "answer" || payload?.type === "startChild") &&
    typeof payload.command?.sessionId === "string"
  return isCommand ? (payload as OutboxCommand) : null
}

/**
 * Decides the result of a command by the outcome of its put; `attempts` counts the attempts before. An answer that
 * arrives too late is dropped, because no one needs its result. A message that can never arrive remains as a dead row
 * for an operator.
 */
export function decideCommandResult(
  { type, command }: Exclude<OutboxCommand, StartChild>,
  outcome: CommandOutcome,
  attempts: number,
): CommandResult {
  switch (outcome.status) {
    case "accepted":
    case "duplicate":
    case "steered":
      return { type: "delivered" }
    case "answered":
    case "expired":
      return { type: "dropped", reason: `wait_${outcome.status}` }
    case "revoked":
      return { type: "dropped", reason: "session_revoked" }
    case "unknown":
      if (type === "answer") return { type: "dropped", reason: "wait_not_found" }
      if (command.type === "cancel") return { type: "dropped", reason: "nothing_to_cancel" }
      if (command.type === "taskEnd") return { type: "dropped", reason: "parent_gone" }
      return command.joins === undefined
        ? { type: "dead", reason: "session_not_found" }
        : { type: "dropped", reason: "run_ended" }
    case "wrongNonce":
      return { type: "dead", reason: "wrong_nonce" }
    case "keyReused":
      return { type: "dead", reason: "idempotency_key_reused" }
    case "busy":
      return retryOrDie("session_busy", attempts)
    case "queueFull":
      return retryOrDie("queue_full", attempts)
    case "full":
      return retryOrDie("storage_full", attempts)
    default:
      return outcome satisfies never
  }
}

/**
 * Returns the id of the item that starts the run of the command. Null if the command does not depend on one. If the
 * session does not exist, and that item is still in the outbox, the command waits for it.
 */
export function findAwaitedStart({ type, command }: OutboxCommand): string | null {
  if (type !== "put") return null
  if (command.type === "cancel") return command.runId === null ? null : startId(command.runId)
  return command.type === "message" && command.joins !== undefined ? startId(command.joins) : null
}

/** The result of a payload that is not a command. */
export const notACommand: CommandResult = { type: "dead", reason: "not_a_command" }

/** The result of a command whose session is about to start. */
export const notStartedYet: CommandResult = { type: "retry", reason: "not_started_yet", retryInMs: 200 }

/**
 * Decides the result of a command that the inbox could not accept. A process that can read the session may accept it
 * later.
 */
export function decideFailedCommand(error: unknown): CommandResult {
  if (error instanceof LogTooNewError) {
    return { type: "retry", reason: error.code, retryInMs: commandBackoff.firstMs }
  }
  return { type: "dead", reason: `malformed: ${toError(error).message}` }
}

function retryOrDie(reason: string, attempts: number): CommandResult {
  if (attempts + 1 >= maxCommandAttempts) return { type: "dead", reason }
  return { type: "retry", reason, retryInMs: computeBackoff(attempts, commandBackoff) }
}

import type {
  AnswerCommand,
  CancelCommand,
  Command,
  Lease,
  MessageCommand,
  PutOutcome,
  StorageLimits,
} from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, text } from "../columns.ts"
import { toCommand } from "../session-rows.ts"
import { fullness } from "../storage-limits.ts"
import type { Database } from "./database.ts"
import { largeText } from "./large-text.ts"
import { lastSeq } from "./schema.ts"

/** Inside a transaction. */
export function put(
  database: Database,
  command: MessageCommand | CancelCommand,
  limits?: StorageLimits,
): PutOutcome {
  const session = database.get(
    `SELECT ${lastSeq} AS last_seq, stored_bytes, run.id AS run_id, run.cursor
     FROM session LEFT JOIN run ON run.id = session.active_run WHERE session.id = ?`,
    escapeText(command.sessionId),
  )
  if (session === undefined) return { status: "unknown" }
  const runId = nullableText(session, "run_id")
  const open = runId === null ? null : { runId, cursor: integer(session, "cursor") }
  if (command.type === "cancel") return putCancel(database, command, open)
  return putMessage(database, command, {
    open,
    cursor: integer(session, "last_seq"),
    full: fullness(integer(session, "stored_bytes"), limits),
  })
}

interface OpenRun {
  readonly runId: string
  readonly cursor: number
}

interface Receiver {
  readonly open: OpenRun | null
  /** The newest entry's number. */
  readonly cursor: number
  readonly full: PutOutcome | null
}

function putMessage(
  database: Database,
  command: MessageCommand,
  { open, cursor, full }: Receiver,
): PutOutcome {
  const { sessionId, runId, idempotency } = command
  const key = idempotency === null ? null : escapeText(idempotency.key)
  const hash = idempotency === null ? null : escapeText(idempotency.bodyHash)
  if (key !== null) {
    const known = database.get(
      "SELECT id, cursor, body_hash FROM run WHERE session_id = ? AND idempotency_key = ?",
      sessionId,
      key,
    )
    if (known !== undefined) {
      if (text(known, "body_hash") !== hash) return { status: "keyReused" }
      return { status: "duplicate", runId: text(known, "id"), cursor: integer(known, "cursor") }
    }
  }
  if (open !== null) return { status: "busy", runId: open.runId }
  if (full !== null) return full
  database.run(
    `INSERT INTO run (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
     SELECT ?, id, ?, 'open', ?, ?, ?, tenant, user_id FROM session WHERE id = ?`,
    runId,
    cursor,
    key,
    hash,
    command.at,
    sessionId,
  )
  database.run(
    "UPDATE session SET active_run = ?, last_used_at = max(last_used_at, ?) WHERE id = ?",
    runId,
    command.at,
    sessionId,
  )
  insertCommand(database, command)
  return { status: "accepted", runId, cursor }
}

function putCancel(database: Database, command: CancelCommand, open: OpenRun | null): PutOutcome {
  if (open === null || (command.runId !== null && command.runId !== open.runId)) return { status: "unknown" }
  const waiting = isCancelled(database, command.sessionId, open.runId)
  if (!waiting) insertCommand(database, { ...command, runId: open.runId })
  return { status: "accepted", ...open }
}

/** Whether a cancel of the run waits in the inbox. */
export function isCancelled(database: Database, sessionId: string, runId: string): boolean {
  const waiting = database.get(
    "SELECT 1 FROM command WHERE session_id = ? AND run_id = ? AND type = 'cancel'",
    sessionId,
    runId,
  )
  return waiting !== undefined
}

/**
 * Inside a transaction. Refuses the session's tokens and cancels its open run.
 * Null when there is no such session, else whether a cancel was put.
 */
export function revokeSession(database: Database, sessionId: string, at: number): boolean | null {
  const session = database.get("SELECT revoked_at FROM session WHERE id = ?", escapeText(sessionId))
  if (session === undefined) return null
  if (session.revoked_at !== null) return false
  database.run("UPDATE session SET revoked_at = ? WHERE id = ?", at, sessionId)
  return put(database, { type: "cancel", sessionId, runId: null, at }).status === "accepted"
}

/** Inside a transaction. */
export function insertCommand(
  database: Database,
  command: MessageCommand | ((CancelCommand | AnswerCommand) & { readonly runId: string }),
): void {
  database.run(
    "INSERT INTO command (session_id, run_id, type, body) VALUES (?, ?, ?, ?)",
    command.sessionId,
    command.runId,
    command.type,
    JSON.stringify(command),
  )
}

export function pending(database: Database, lease: Lease, owner: string): Command[] {
  const rows = database.all(
    `SELECT command.id, ${largeText("command.body")} FROM session JOIN command ON command.session_id = session.id
     WHERE session.id = ? AND session.epoch = ? AND session.owner = ? ORDER BY command.id`,
    lease.sessionId,
    lease.epoch,
    owner,
  )
  return rows.map(toCommand)
}

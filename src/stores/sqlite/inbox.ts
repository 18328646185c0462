import type {
  CancelCommand,
  Command,
  Lease,
  MessageCommand,
  PutOutcome,
  StorageLimits,
  StoredCommand,
} from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, type Row, text } from "../columns.ts"
import { commandRow, toCommand } from "../session-rows.ts"
import { fullness } from "../storage-limits.ts"
import { refuseNewer, type Versions } from "../versions.ts"
import type { Database } from "./database.ts"
import { largeText } from "./large-text.ts"
import { lastSeq } from "./schema.ts"

/** Inside a transaction. */
export function put(
  database: Database,
  command: MessageCommand | CancelCommand,
  { versions, limits }: { readonly versions: Versions; readonly limits?: StorageLimits | undefined },
): PutOutcome {
  const session = findForInbox(database, command.sessionId, versions)
  if (session === undefined) return { status: "unknown" }
  const runId = nullableText(session, "run_id")
  const open = runId === null ? null : { runId, cursor: integer(session, "cursor") }
  if (command.type === "cancel") return putCancel(database, command, { open, versions })
  return putMessage(database, command, {
    open,
    versions,
    cursor: integer(session, "last_seq"),
    full: fullness(integer(session, "stored_bytes"), limits),
  })
}

/** Throws for a session that only newer processes read. */
export function findForInbox(database: Database, sessionId: string, versions: Versions): Row | undefined {
  const session = database.get(
    `SELECT ${lastSeq} AS last_seq, stored_bytes, log_version, run.id AS run_id, run.cursor
     FROM session LEFT JOIN run ON run.id = session.active_run WHERE session.id = ?`,
    escapeText(sessionId),
  )
  if (session !== undefined) refuseNewer(session, versions)
  return session
}

interface OpenRun {
  readonly runId: string
  readonly cursor: number
}

interface Receiver {
  readonly open: OpenRun | null
  readonly versions: Versions
  /** The newest entry's number. */
  readonly cursor: number
  readonly full: PutOutcome | null
}

function putMessage(
  database: Database,
  command: MessageCommand,
  { open, cursor, full, versions }: Receiver,
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
  insertCommand(database, command, versions)
  return { status: "accepted", runId, cursor }
}

function putCancel(
  database: Database,
  command: CancelCommand,
  { open, versions }: Pick<Receiver, "open" | "versions">,
): PutOutcome {
  if (open === null || (command.runId !== null && command.runId !== open.runId)) return { status: "unknown" }
  const waiting = isCancelled(database, command.sessionId, open.runId)
  if (!waiting) insertCommand(database, { ...command, runId: open.runId }, versions)
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
export function revokeSession(
  database: Database,
  { sessionId, at }: { readonly sessionId: string; readonly at: number },
  versions: Versions,
): boolean | null {
  const session = database.get(
    "SELECT revoked_at, log_version FROM session WHERE id = ?",
    escapeText(sessionId),
  )
  if (session === undefined) return null
  refuseNewer(session, versions)
  if (session.revoked_at !== null) return false
  database.run("UPDATE session SET revoked_at = ? WHERE id = ?", at, sessionId)
  return put(database, { type: "cancel", sessionId, runId: null, at }, { versions }).status === "accepted"
}

/** Inside a transaction. A session whose inbox holds a newer form is left to processes that read it. */
export function insertCommand(database: Database, command: StoredCommand, versions: Versions): void {
  const { type, body, version } = commandRow(command, versions.writes())
  database.run(
    "INSERT INTO command (session_id, run_id, type, body) VALUES (?, ?, ?, ?)",
    command.sessionId,
    command.runId,
    type,
    body,
  )
  database.run(
    "UPDATE session SET log_version = ? WHERE id = ? AND log_version < ?",
    version,
    command.sessionId,
    version,
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

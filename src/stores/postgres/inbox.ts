import type {
  CancelCommand,
  Command,
  Lease,
  MessageCommand,
  PutAndClaimOutcome,
  PutOutcome,
  StorageLimits,
  StoredCommand,
} from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, type Row, text } from "../columns.ts"
import { commandRow, toCommand } from "../session-rows.ts"
import { fullness } from "../storage-limits.ts"
import { refuseNewer, type Versions } from "../versions.ts"
import { arrivalsChannel } from "./arrivals.ts"
import type { Database, Query } from "./database.ts"
import { claimFree } from "./leases.ts"
import { lastSeq } from "./schema.ts"

/**
 * Put, answer, commit, claim and release exclude each other by the session's row. Throws for a session that only newer
 * processes read.
 */
export async function lockSession(
  query: Query,
  sessionId: string,
  versions: Versions,
): Promise<Row | undefined> {
  const [session] = await query(
    `SELECT active_run, revoked_at, stored_bytes, log_version FROM agent_gateway.session
     WHERE id = $1 FOR UPDATE`,
    [escapeText(sessionId)],
  )
  if (session !== undefined) refuseNewer(session, versions)
  return session
}

export async function put(
  database: Database,
  command: MessageCommand | CancelCommand,
  { versions, limits }: { readonly versions: Versions; readonly limits: StorageLimits | undefined },
): Promise<PutOutcome> {
  return database.transaction((query) => putWithin(query, command, { versions, limits }))
}

/** Inside a transaction. */
export async function putWithin(
  query: Query,
  command: MessageCommand | CancelCommand,
  { versions, limits }: { readonly versions: Versions; readonly limits?: StorageLimits | undefined },
): Promise<PutOutcome> {
  const session = await lockSession(query, command.sessionId, versions)
  if (session === undefined) return { status: "unknown" }
  if (command.type === "cancel") return putCancel(query, command, { session, versions })
  const outcome = await startRun(query, command, session, limits)
  if (outcome.status === "accepted") await insertCommand(query, command, { versions })
  return outcome
}

/** What this process takes at once need not be announced to others. */
export async function putAndClaim(
  database: Database,
  message: MessageCommand,
  agents: readonly string[],
  {
    owner,
    versions,
    limits,
  }: {
    readonly owner: string
    readonly versions: Versions
    readonly limits: StorageLimits | undefined
  },
): Promise<PutAndClaimOutcome> {
  const { sessionId } = message
  return database.transaction(async (query) => {
    const session = await lockSession(query, sessionId, versions)
    if (session === undefined) return { outcome: { status: "unknown" }, lease: null }
    const outcome = await startRun(query, message, session, limits)
    if (outcome.status !== "accepted") return { outcome, lease: null }
    const lease = await claimFree(query, sessionId, { agents, reads: versions.reads }, owner)
    await insertCommand(query, message, { versions, announced: lease === null })
    return { outcome, lease }
  })
}

/**
 * Refuses the session's tokens and cancels its open run.
 * Null when there is no such session, else whether a cancel was put.
 */
export async function revokeSession(
  database: Database,
  { sessionId, at }: { readonly sessionId: string; readonly at: number },
  versions: Versions,
): Promise<boolean | null> {
  return database.transaction(async (query) => {
    const session = await lockSession(query, sessionId, versions)
    if (session === undefined) return null
    if (session.revoked_at !== null) return false
    await query("UPDATE agent_gateway.session SET revoked_at = $2 WHERE id = $1", [sessionId, at])
    const command = { type: "cancel", sessionId, runId: null, at } as const
    const outcome = await putCancel(query, command, { session, versions })
    return outcome.status === "accepted"
  })
}

/** Unless the session's state or the idempotency key speaks against it. The message itself is not put yet. */
async function startRun(
  query: Query,
  message: MessageCommand,
  session: Row,
  limits: StorageLimits | undefined,
): Promise<PutOutcome> {
  const { sessionId, runId, idempotency, at } = message
  const key = idempotency === null ? null : escapeText(idempotency.key)
  const hash = idempotency === null ? null : escapeText(idempotency.bodyHash)
  if (key !== null) {
    const [known] = await query(
      "SELECT id, cursor, body_hash FROM agent_gateway.run WHERE session_id = $1 AND idempotency_key = $2",
      [sessionId, key],
    )
    if (known !== undefined) {
      if (text(known, "body_hash") !== hash) return { status: "keyReused" }
      return { status: "duplicate", runId: text(known, "id"), cursor: integer(known, "cursor") }
    }
  }
  const active = nullableText(session, "active_run")
  if (active !== null) return { status: "busy", runId: active }
  const full = fullness(integer(session, "stored_bytes"), limits)
  if (full !== null) return full
  const [started] = await query(
    `WITH changed AS (
       UPDATE agent_gateway.session SET active_run = $2, last_used_at = greatest(last_used_at, $3) WHERE id = $1
     )
     INSERT INTO agent_gateway.run
       (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
     SELECT $2, id, ${lastSeq}, 'open', $4, $5, $3, tenant, user_id FROM agent_gateway.session WHERE id = $1
     RETURNING cursor`,
    [sessionId, runId, at, key, hash],
  )
  const cursor = integer(started ?? {}, "cursor")
  return { status: "accepted", runId, cursor }
}

async function putCancel(
  query: Query,
  command: CancelCommand,
  { session, versions }: { readonly session: Row; readonly versions: Versions },
): Promise<PutOutcome> {
  const active = nullableText(session, "active_run")
  if (active === null || (command.runId !== null && command.runId !== active)) return { status: "unknown" }
  const [run] = await query("SELECT cursor FROM agent_gateway.run WHERE id = $1", [active])
  const waiting = await isCancelled(query, command.sessionId, active)
  if (!waiting) await insertCommand(query, { ...command, runId: active }, { versions })
  return { status: "accepted", runId: active, cursor: integer(run ?? {}, "cursor") }
}

/** Whether a cancel of the run waits in the inbox. The session is locked, so none comes in between. */
export async function isCancelled(query: Query, sessionId: string, runId: string): Promise<boolean> {
  const waiting = await query(
    "SELECT FROM agent_gateway.command WHERE session_id = $1 AND run_id = $2 AND type = 'cancel'",
    [sessionId, runId],
  )
  return waiting.length > 0
}

/** Announcing is done only here, and only where needed: commits that notify wait for one another in the whole database. */
export async function insertCommand(
  query: Query,
  command: StoredCommand,
  { versions, announced = true }: { readonly versions: Versions; readonly announced?: boolean },
): Promise<void> {
  const { type, body, version } = commandRow(command, versions.writes())
  await query(
    `WITH put AS (
       INSERT INTO agent_gateway.command (session_id, run_id, type, body) VALUES ($1, $2, $3, $4)
     ),
     -- A session whose inbox holds a newer form is left to processes that read it.
     newer AS (
       UPDATE agent_gateway.session SET log_version = $6 WHERE id = $1 AND log_version < $6
     )
     SELECT pg_notify('${arrivalsChannel}', $1) WHERE $5`,
    [command.sessionId, command.runId, type, body, announced, version],
  )
}

export async function pending(query: Query, lease: Lease, owner: string): Promise<readonly Command[]> {
  const rows = await query(
    `SELECT command.id, command.body FROM agent_gateway.session
     JOIN agent_gateway.command ON command.session_id = session.id
     WHERE session.id = $1 AND epoch = $2 AND owner = $3 ORDER BY command.id`,
    [lease.sessionId, lease.epoch, owner],
  )
  return rows.map(toCommand)
}

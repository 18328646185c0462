import type { PutAndClaimOutcome } from "../../../../core/ports/store/inbox.ts"
import type { MessageCommand } from "../../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../../core/ports/store/storage-limits.ts"
import { escapeText, readInteger } from "../../rows/columns.ts"
import { toCommandInsert } from "../../rows/command-rows.ts"
import type { LargeContents } from "../../rows/large/large-contents.ts"
import { toClaim } from "../../rows/session-rows.ts"
import { toIdempotencyColumns } from "../../rules/idempotency.ts"
import { planMessage, type Receiver } from "../../rules/put-rules.ts"
import type { Versions } from "../../rules/versions.ts"
import { sessionColumns } from "../../sql/tables.ts"
import type { Query } from "../database/database.ts"
import { isLive } from "../leases/membership.ts"
import { lastSeq } from "../schema.ts"

export interface PutWhenIdleOptions {
  readonly agents: readonly string[]
  /** The membership of this process. */
  readonly owner: string
  readonly versions: Versions
  readonly limits: StorageLimits | undefined
  readonly texts: LargeContents
}

/**
 * Puts a message and claims its session in one statement, if the session is in the usual state: free, without an open
 * run and without a command. Otherwise, or if the message would not start a run at once, resolves to null and changes
 * nothing. The caller then uses a transaction.
 */
export async function putWhenIdle(
  query: Query,
  message: MessageCommand,
  { agents, owner, versions, limits, texts }: PutWhenIdleOptions,
): Promise<PutAndClaimOutcome | null> {
  const idle: Receiver = {
    open: null,
    isRevoked: false,
    lastSeq: 0,
    storedBytes: 0,
    rows: [],
    now: message.notBefore ?? 0,
  }
  const { outcome, run, commands } = planMessage(message, idle, limits)
  const [command] = commands
  // A message for later is due by the server's clock, which the transaction reads.
  if (message.notBefore !== undefined || run === null || command === undefined) return null
  const { sessionId, at } = message
  const { key, hash } = toIdempotencyColumns(message.idempotency)
  const { body, rank, dueAt, bytes, version } = toCommandInsert(command, texts)
  const [row] = await query(createStatement(versions.reads), [
    escapeText(sessionId),
    owner,
    agents.map(escapeText),
    limits?.sessionBytes ?? Number.MAX_SAFE_INTEGER,
    key,
    hash,
    run.runId,
    at,
    body,
    rank,
    dueAt,
    bytes,
    version,
  ])
  if (row === undefined) return null
  const claim = toClaim(row, [{ id: row.command_id, body }])
  return {
    outcome: { ...outcome, status: "accepted", runId: run.runId, cursor: readInteger(row, "last_seq") },
    ...claim,
  }
}

/**
 * Returns the statement. A statement reads data as of its start, but locks the newest row. If the session has changed
 * in between, its `xmin` has changed too. The other data may then be stale, and nothing is put.
 */
function createStatement(reads: number): string {
  return `WITH idle AS (
      SELECT id, tenant, user_id, ${lastSeq} AS last_seq FROM agent_gateway.session
      WHERE id = $1 AND xmin = (SELECT seen.xmin FROM agent_gateway.session AS seen WHERE seen.id = $1)
        AND owner IS NULL AND active_run IS NULL AND agent = ANY($3) AND log_version <= ${reads}
        AND stored_bytes < $4 AND revoked_at IS NULL AND ${isLive("$2")}
        AND NOT EXISTS (SELECT FROM agent_gateway.command WHERE session_id = $1)
        AND NOT EXISTS (SELECT FROM agent_gateway.run WHERE session_id = $1 AND idempotency_key = $5)
        AND NOT EXISTS (SELECT FROM agent_gateway.steering_key WHERE session_id = $1 AND idempotency_key = $5)
      FOR UPDATE SKIP LOCKED
    ),
    run AS (
      INSERT INTO agent_gateway.run
        (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
      SELECT $7, id, last_seq, 'queued', $5, $6, $8, tenant, user_id FROM idle
    ),
    put AS (
      INSERT INTO agent_gateway.command (session_id, run_id, type, body, rank, not_before, due_at, bytes)
      SELECT id, $7, 'message', $9, $10, 0, $11, $12 FROM idle RETURNING id
    )
    UPDATE agent_gateway.session SET epoch = session.epoch + 1, owner = $2, parked_until = 0,
      last_used_at = greatest(session.last_used_at, $8), stored_bytes = session.stored_bytes + $12,
      log_version = greatest(session.log_version, $13)
    FROM idle WHERE session.id = idle.id
    RETURNING session.id, session.epoch, session.takeovers, ${sessionColumns}, idle.last_seq,
      (SELECT id FROM put) AS command_id`
}

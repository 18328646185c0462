import { pieceCharacters } from "../../../../core/json/json-pieces.ts"
import {
  type InboxMessage,
  maxListedMessageBytes,
  type PendingOptions,
  type PutAndClaimOutcome,
  type PutCommand,
  type QueuedRun,
} from "../../../../core/ports/store/inbox.ts"
import type { Command, Lease, MessageCommand, PutOutcome } from "../../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../../core/ports/store/storage-limits.ts"
import { escapeText, readInteger, readNullableText } from "../../rows/columns.ts"
import {
  commandColumns,
  type NewCommand,
  type NewCommandRow,
  toCommandInsert,
  toCommandRow,
} from "../../rows/command-rows.ts"
import { toInboxMessage } from "../../rows/inbox-messages.ts"
import { type LargeContents, makeLargeContents } from "../../rows/large/large-contents.ts"
import { toPending } from "../../rows/session-rows.ts"
import { decideRepeatedMessage, toIdempotencyColumns } from "../../rules/idempotency.ts"
import {
  type PutPlan,
  planChange,
  planMessage,
  planRevocation,
  type Receiver,
} from "../../rules/put-rules.ts"
import { listQueuedRuns } from "../../rules/queue-order.ts"
import type { Revocation } from "../../rules/revocation.ts"
import { refuseNewer, type Versions } from "../../rules/versions.ts"
import type { Database, Query } from "../database/database.ts"
import { claimFree } from "../leases/leases.ts"
import { lastSeq, nowMs } from "../schema.ts"
import { arrivalsChannel } from "./listen-for-arrivals.ts"
import { putWhenIdle } from "./put-when-idle.ts"

export interface PutOptions {
  readonly versions: Versions
  readonly limits?: StorageLimits | undefined
  /** Texts that were made before the transaction. */
  readonly texts?: LargeContents
}

export interface Put {
  readonly outcome: PutOutcome
  /** If true, the put gave the session due work. */
  readonly isDue: boolean
}

/** Puts a command. Must be called inside a transaction. */
export async function putWithin(
  query: Query,
  command: PutCommand,
  { versions, limits, texts }: PutOptions,
): Promise<Put> {
  const { sessionId } = command
  const receiver = await lockReceiver(query, sessionId, versions)
  if (receiver === null) return { outcome: { status: "unknown" }, isDue: false }
  const announced = true
  if (command.type === "message") {
    return putMessage(query, command, { receiver, limits, texts, announced })
  }
  const plan = planChange(command, receiver)
  await carryOut(query, plan, { sessionId, message: null, announced })
  return plan
}

/**
 * Puts a message and claims its session. A session that this process claims at once need not be announced to others.
 */
export async function putAndClaim(
  database: Database,
  message: MessageCommand,
  agents: readonly string[],
  { owner, versions, limits }: PutOptions & { readonly owner: string },
): Promise<PutAndClaimOutcome & { readonly isDue: boolean }> {
  const { sessionId } = message
  const texts = await makeLargeContents(message)
  const taken = await putWhenIdle(database.query, message, { agents, owner, versions, limits, texts })
  if (taken !== null) return { ...taken, isDue: true }
  return database.transaction(async (query) => {
    const receiver = await lockReceiver(query, sessionId, versions)
    if (receiver === null) return { outcome: { status: "unknown" }, lease: null, isDue: false }
    const put = { receiver, limits, texts, announced: false }
    const { outcome, isDue } = await putMessage(query, message, put)
    const claimable = { agents, reads: versions.reads }
    const lease = isDue ? await claimFree(query, sessionId, claimable, owner) : null
    if (isAnnounced({ outcome, isDue }) && lease === null) await announce(query, sessionId)
    return { outcome, lease, isDue }
  })
}

/**
 * Refuses the session's tokens, cancels its open run and withdraws its queued runs. Null if there is no such session;
 * true if that gave the session work. Must be called inside a transaction.
 */
export async function revokeSession(
  query: Query,
  { sessionId, at, keepMs }: Revocation,
  versions: Versions,
): Promise<boolean | null> {
  const receiver = await lockReceiver(query, sessionId, versions)
  if (receiver === null) return null
  const revoked = await query(
    `UPDATE agent_gateway.session SET revoked_at = $2, keep_ms = coalesce($3, keep_ms)
     WHERE id = $1 AND revoked_at IS NULL RETURNING id`,
    [sessionId, at, keepMs],
  )
  if (revoked.length === 0) return false
  const plan = planRevocation({ sessionId, at }, receiver)
  await carryOut(query, plan, { sessionId, message: null, announced: true })
  return plan.isDue
}

/**
 * Locks the session's row, through which put, answer, commit, claim and release exclude each other. Another statement
 * reads the rest, so that it is as recent as the lock. Throws if only newer processes can read the session.
 */
export async function lockReceiver(
  query: Query,
  sessionId: string,
  versions: Versions,
): Promise<Receiver | null> {
  const [locked] = await query("SELECT log_version FROM agent_gateway.session WHERE id = $1 FOR UPDATE", [
    escapeText(sessionId),
  ])
  if (locked === undefined) return null
  refuseNewer(locked, versions)
  const [session] = await query(
    `SELECT ${lastSeq} AS last_seq, session.stored_bytes, session.revoked_at, ${nowMs} AS now, run.id AS run_id,
       run.cursor, run.steerable,
       (SELECT json_agg(each.*) FROM (
          SELECT ${commandColumns} FROM agent_gateway.command
          WHERE command.session_id = session.id) AS each)::text AS inbox
     FROM agent_gateway.session LEFT JOIN agent_gateway.run ON run.id = session.active_run WHERE session.id = $1`,
    [escapeText(sessionId)],
  )
  if (session === undefined) return null
  const runId = readNullableText(session, "run_id")
  const inbox = readNullableText(session, "inbox")
  return {
    open:
      runId === null
        ? null
        : { runId, cursor: readInteger(session, "cursor"), steerable: session.steerable === true },
    isRevoked: session.revoked_at !== null,
    lastSeq: readInteger(session, "last_seq"),
    storedBytes: readInteger(session, "stored_bytes"),
    rows: inbox === null ? [] : JSON.parse(inbox).map(toCommandRow),
    now: readInteger(session, "now"),
  }
}

async function putMessage(
  query: Query,
  message: MessageCommand,
  {
    receiver,
    limits,
    ...carrying
  }: {
    readonly receiver: Receiver
    readonly limits: StorageLimits | undefined
    readonly texts: LargeContents | undefined
    readonly announced: boolean
  },
): Promise<Put> {
  const known = await findRepeated(query, message, receiver)
  if (known !== null) return { outcome: known, isDue: false }
  const plan = planMessage(message, receiver, limits)
  await carryOut(query, plan, { sessionId: message.sessionId, message, ...carrying })
  return plan
}

/** Returns the outcome of an earlier message with the same idempotency key. Null if there is none. */
async function findRepeated(
  query: Query,
  { sessionId, idempotency }: MessageCommand,
  receiver: Receiver,
): Promise<PutOutcome | null> {
  if (idempotency === null) return null
  const [known] = await query(
    `SELECT id, cursor, body_hash FROM agent_gateway.run WHERE session_id = $1 AND idempotency_key = $2
     UNION ALL
     SELECT run.id, run.cursor, key.body_hash FROM agent_gateway.steering_key AS key
     JOIN agent_gateway.run ON run.id = key.run_id WHERE key.session_id = $1 AND key.idempotency_key = $2`,
    [sessionId, toIdempotencyColumns(idempotency).key],
  )
  return known === undefined ? null : decideRepeatedMessage(idempotency, known, receiver)
}

async function carryOut(
  query: Query,
  plan: PutPlan,
  {
    sessionId,
    message,
    texts,
    announced,
  }: {
    readonly sessionId: string
    readonly message: MessageCommand | null
    readonly texts?: LargeContents | undefined
    readonly announced: boolean
  },
): Promise<void> {
  const { run, outcome, commands, deleted, due } = plan
  const { key, hash } = toIdempotencyColumns(message?.idempotency ?? null)
  const steered = outcome.status === "steered" && key !== null ? outcome.runId : null
  if (deleted.length > 0) await deleteCommands(query, sessionId, deleted)
  if (due.length > 0) {
    await query(
      `UPDATE agent_gateway.command SET due_at = each.due_at
       FROM unnest($1::bigint[], $2::bigint[]) AS each(id, due_at) WHERE command.id = each.id`,
      [due.map(({ id }) => id), due.map(({ dueAt }) => dueAt)],
    )
  }
  if (commands.length === 0) return
  const rows = commands.map((command) => toCommandInsert(command, texts))
  const large = rows.find(({ body }) => body.length > pieceCharacters) ?? null
  await query(
    `WITH run AS (
       INSERT INTO agent_gateway.run
         (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
       SELECT $2, id, $3, 'queued', $4, $5, $8, tenant, user_id FROM agent_gateway.session
       WHERE id = $1 AND $2::text IS NOT NULL
     ),
     steered AS (
       INSERT INTO agent_gateway.steering_key (session_id, idempotency_key, body_hash, run_id)
       SELECT $1, $4, $5, $6 WHERE $6::text IS NOT NULL
     ),
     put AS (${insertCommands("$7", { sessionId: "$1", largeBody: "$11::text" })})
     UPDATE agent_gateway.session SET last_used_at = greatest(last_used_at, $8), stored_bytes = stored_bytes + $9,
       -- If the inbox contains a newer form, only processes that can read it take the session.
       log_version = greatest(log_version, $10)
     WHERE id = $1`,
    [
      sessionId,
      run?.runId ?? null,
      run?.cursor ?? 0,
      key,
      hash,
      steered,
      JSON.stringify(rows.map((row) => toColumns(row === large ? { ...row, body: null } : row))),
      message?.at ?? 0,
      rows.reduce((sum, { bytes }) => sum + bytes, 0),
      Math.max(...rows.map(({ version }) => version)),
      large?.body ?? null,
    ],
  )
  if (announced && isAnnounced(plan)) await announce(query, sessionId)
}

/**
 * Returns true if other processes must learn of the put. A steering message concerns the process that works on the
 * run.
 */
function isAnnounced({ outcome, isDue }: Put): boolean {
  return isDue || outcome.status === "steered"
}

/**
 * Announces a session to other processes. This is the only place that does so, and only if necessary, because commits
 * that notify wait for one another in the whole database.
 */
async function announce(query: Query, sessionId: string): Promise<void> {
  await query(`SELECT pg_notify('${arrivalsChannel}', $1)`, [sessionId])
}

/**
 * Returns SQL that inserts the commands of one parameter, in their order. At most one of them has no body. Its body
 * is large and a separate parameter, so that it is not serialized again.
 */
function insertCommands(
  commands: string,
  { sessionId, largeBody }: { readonly sessionId: string; readonly largeBody: string },
): string {
  return `INSERT INTO agent_gateway.command (session_id, run_id, type, body, rank, not_before, due_at, bytes)
    SELECT ${sessionId}, run_id, type, coalesce(body, ${largeBody}), rank, not_before, due_at, bytes
    FROM ROWS FROM (json_to_recordset(${commands}) AS (
      run_id text, type text, body text, rank bigint, not_before bigint, due_at bigint, bytes bigint)) WITH ORDINALITY
      AS each(run_id, type, body, rank, not_before, due_at, bytes, place) ORDER BY place`
}

function toColumns({
  runId,
  type,
  body,
  rank,
  notBefore,
  dueAt,
  bytes,
}: Omit<NewCommandRow, "body"> & { readonly body: string | null }): object {
  return { run_id: runId, type, body, rank, not_before: notBefore, due_at: dueAt, bytes }
}

/** Puts a due command, and announces it. */
export async function insertCommand(query: Query, command: NewCommand): Promise<void> {
  const row = toCommandInsert(command)
  await query(
    `WITH put AS (${insertCommands("$2", { sessionId: "$1::text", largeBody: "NULL" })}),
     newer AS (
       UPDATE agent_gateway.session SET log_version = $3 WHERE id = $1 AND log_version < $3
     )
     SELECT pg_notify('${arrivalsChannel}', $1)`,
    [row.sessionId, JSON.stringify([toColumns(row)]), row.version],
  )
}

async function deleteCommands(query: Query, sessionId: string, ids: readonly number[]): Promise<void> {
  await query(
    `WITH gone AS (
       DELETE FROM agent_gateway.command WHERE session_id = $1 AND id = ANY($2) RETURNING bytes
     )
     UPDATE agent_gateway.session SET stored_bytes = stored_bytes - (SELECT coalesce(sum(bytes), 0) FROM gone)
     WHERE id = $1`,
    [sessionId, ids],
  )
}

/** Returns the queued runs of a session in the order in which they open. */
export async function findQueued(query: Query, sessionId: string): Promise<readonly QueuedRun[]> {
  const rows = await query(
    `SELECT ${commandColumns}, ${nowMs} AS now FROM agent_gateway.command
     WHERE command.session_id = $1 AND command.type = 'message'`,
    [escapeText(sessionId)],
  )
  const [first] = rows
  return first === undefined ? [] : listQueuedRuns(rows.map(toCommandRow), readInteger(first, "now"))
}

/** Returns the messages that no run has taken yet, oldest first. Reads no large message. */
export async function listInboxMessages(query: Query, sessionId: string): Promise<readonly InboxMessage[]> {
  const rows = await query(
    `SELECT id, run_id, type, CASE WHEN octet_length(body) <= $2 THEN body END AS body
     FROM agent_gateway.command WHERE session_id = $1 AND type IN ('message', 'steer') ORDER BY id`,
    [escapeText(sessionId), maxListedMessageBytes],
  )
  return rows.map(toInboxMessage)
}

export async function readPending(
  query: Query,
  lease: Lease,
  { messages = true, known, owner }: PendingOptions & { readonly owner: string },
): Promise<readonly Command[]> {
  const rows = await query(
    `SELECT ${commandColumns}, CASE WHEN command.id <> ALL ($5) THEN command.body END AS body, ${nowMs} AS now
     FROM agent_gateway.session
     JOIN agent_gateway.command ON command.session_id = session.id
     WHERE session.id = $1 AND session.epoch = $2 AND session.owner = $3
       AND (command.due_at <= ${nowMs} OR (command.type = 'steer' AND command.run_id = session.active_run))
       AND ($4 OR command.type <> 'message')`,
    [lease.sessionId, lease.epoch, owner, messages, [...(known?.keys() ?? [])]],
  )
  const [first] = rows
  return first === undefined ? [] : toPending(rows, { now: readInteger(first, "now"), known })
}

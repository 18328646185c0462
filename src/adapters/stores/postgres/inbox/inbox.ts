import { pieceCharacters } from "../../../../core/json/json-pieces.ts"
import type { PendingOptions, PutAndClaimOutcome } from "../../../../core/ports/store/inbox.ts"
import type { Command, Lease, MessageCommand } from "../../../../core/ports/store/session-log.ts"
import { escapeText, readInteger, readNullableText, readText } from "../../rows/columns.ts"
import {
  commandColumns,
  type NewCommand,
  type NewCommandRow,
  toCommandInsert,
  toCommandRow,
} from "../../rows/command-rows.ts"
import { makeLargeContents } from "../../rows/large/large-contents.ts"
import { toPending, toReceiver } from "../../rows/session-rows.ts"
import { toIdempotencyColumns } from "../../rules/idempotency.ts"
import { type PutPlan, planChange, planMessage, type Receiver } from "../../rules/put-rules.ts"
import { refuseNewer, type Versions } from "../../rules/versions.ts"
import type { Inboxes, Put, PutOptions } from "../../sql/inbox.ts"
import { findRepeated } from "../../sql/read-inbox.ts"
import {
  createText,
  isOneOfNumbers,
  isOneOfTexts,
  now,
  records,
  type Sql,
  type Steps,
  schema,
  sql,
} from "../../sql/statement.ts"
import type { Database, Query } from "../database/database.ts"
import { runStatement, runSteps } from "../database/sql-database.ts"
import { claimFree } from "../leases/leases.ts"
import { lastSeq, nowMs } from "../schema.ts"
import { arrivalsChannel } from "./listen-for-arrivals.ts"
import { putWhenIdle } from "./put-when-idle.ts"

/** The inboxes in a transaction of this database. */
export function createInboxes(versions: Versions): Inboxes {
  const receive = (sessionId: string) => lockReceiver(sessionId, versions)
  const inboxes: Inboxes = {
    *put(command, options = {}) {
      const { sessionId } = command
      const receiver = yield* receive(sessionId)
      if (receiver === null) return { outcome: { status: "unknown" }, isDue: false }
      if (command.type === "message")
        return yield* putMessage(command, receiver, { ...options, announced: true })
      const plan = planChange(command, receiver)
      yield* carryOut(plan, { sessionId, message: null, announced: true })
      return plan
    },
    receive,
    insert: insertCommand,
    inLockOrder: orderByPath,
    carryOut: (sessionId, plan) => carryOut(plan, { sessionId, message: null, announced: true }),
    /** Works level by level. Locks each session before it looks up its children, so that no child starts in between. */
    *cancelBelow({ sessionId, runId, at }) {
      const reached: string[] = []
      const runs = yield sql`SELECT run.session_id, run.id AS run_id, run.state
        FROM ${schema}session JOIN ${schema}run ON run.session_id = session.id
        WHERE session.parent_session_id = ${escapeText(sessionId)}
          AND (${runId}::text IS NULL OR session.parent_run_id = ${runId})
        ORDER BY run.session_id, run.id`
      for (const row of runs) {
        const below = { sessionId: readText(row, "session_id"), runId: readText(row, "run_id"), at }
        const isLive = row.state === "open" || row.state === "queued"
        if (isLive) yield* inboxes.put({ type: "cancel", ...below })
        else yield* receive(below.sessionId)
        if (isLive) reached.push(below.sessionId)
        reached.push(...(yield* inboxes.cancelBelow(below)))
      }
      return reached
    },
  }
  return inboxes
}

/**
 * Returns the sessions in the order in which a cancel locks them, which is that of their paths from the root of their
 * tree, so that an answer and a cancel never wait for each other.
 */
function* orderByPath(ids: ReadonlySet<string>): Steps<readonly string[]> {
  if (ids.size < 2) return [...ids]
  const rows = yield sql`WITH RECURSIVE up (id, parent_id, path) AS (
      SELECT id, parent_session_id, ARRAY[id] FROM ${schema}session
      WHERE ${isOneOfTexts("id", [...ids].map(escapeText))}
      UNION ALL
      SELECT up.id, session.parent_session_id, session.id || up.path
      FROM up JOIN ${schema}session ON session.id = up.parent_id
    )
    SELECT id FROM up WHERE NOT EXISTS (SELECT FROM ${schema}session WHERE session.id = up.parent_id)
    ORDER BY path`
  return rows.map((row) => readText(row, "id"))
}

/**
 * Puts a message and claims its session. A session that this process claims at once need not be announced to others.
 */
export async function putAndClaim(
  database: Database,
  message: MessageCommand,
  agents: readonly string[],
  { owner, versions, limits }: ClaimingOptions,
): Promise<PutAndClaimOutcome & { readonly isDue: boolean }> {
  const { sessionId } = message
  const texts = await makeLargeContents(message)
  const taken = await putWhenIdle(database.query, message, { agents, owner, versions, limits, texts })
  if (taken !== null) return { ...taken, isDue: true }
  return database.transaction(async (query) => {
    const receiver = await runSteps(query, lockReceiver(sessionId, versions))
    if (receiver === null) return { outcome: { status: "unknown" }, lease: null, isDue: false }
    const options = { limits, texts, announced: false }
    const { outcome, isDue } = await runSteps(query, putMessage(message, receiver, options))
    const claimable = { agents, reads: versions.reads }
    const lease = isDue ? await claimFree(query, sessionId, claimable, owner) : null
    if (isAnnounced({ outcome, isDue }) && lease === null) await runStatement(query, notify(sessionId))
    return { outcome, lease, isDue }
  })
}

interface ClaimingOptions extends PutOptions {
  readonly owner: string
  readonly versions: Versions
}

/**
 * Locks the session's row, through which put, answer, commit, claim and release exclude each other. Another statement
 * reads the rest, so that it is as recent as the lock. Throws if only newer processes can read the session.
 */
function* lockReceiver(sessionId: string, versions: Versions): Steps<Receiver | null> {
  const id = escapeText(sessionId)
  const [locked] = yield sql`SELECT log_version FROM ${schema}session WHERE id = ${id} FOR UPDATE`
  if (locked === undefined) return null
  refuseNewer(locked, versions)
  const [session] = yield sql`
    SELECT ${createText(lastSeq)} AS last_seq, session.stored_bytes, session.revoked_at, ${now} AS now,
      run.id AS run_id, run.cursor, run.steerable,
      (SELECT json_agg(each.*) FROM (
         SELECT ${createText(commandColumns)} FROM ${schema}command
         WHERE command.session_id = session.id) AS each)::text AS inbox
    FROM ${schema}session LEFT JOIN ${schema}run ON run.id = session.active_run WHERE session.id = ${id}`
  if (session === undefined) return null
  const inbox = readNullableText(session, "inbox")
  return toReceiver(session, {
    rows: inbox === null ? [] : JSON.parse(inbox).map(toCommandRow),
    now: readInteger(session, "now"),
  })
}

/** With `announced`, other processes learn of the put if they must. */
type CarryingOptions = PutOptions & { readonly announced: boolean }

function* putMessage(message: MessageCommand, receiver: Receiver, options: CarryingOptions): Steps<Put> {
  const { sessionId } = message
  const known = yield* findRepeated(message, receiver)
  if (known !== null) return { outcome: known, isDue: false }
  const plan = planMessage(message, receiver, options.limits)
  yield* carryOut(plan, { ...options, sessionId, message })
  return plan
}

function* carryOut(
  plan: PutPlan,
  {
    sessionId,
    message,
    texts,
    announced,
  }: CarryingOptions & { readonly sessionId: string; readonly message: MessageCommand | null },
): Steps<void> {
  const { run, outcome, commands, deleted, due } = plan
  const { key, hash } = toIdempotencyColumns(message?.idempotency ?? null)
  const steered = outcome.status === "steered" && key !== null ? outcome.runId : null
  if (deleted.length > 0) {
    yield sql`WITH gone AS (
        DELETE FROM ${schema}command WHERE session_id = ${sessionId} AND ${isOneOfNumbers("id", deleted)}
        RETURNING bytes
      )
      UPDATE ${schema}session SET stored_bytes = stored_bytes - (SELECT coalesce(sum(bytes), 0) FROM gone)
      WHERE id = ${sessionId}`
  }
  if (due.length > 0) {
    const changes = due.map(({ id, dueAt }) => ({ id, due_at: dueAt }))
    yield sql`UPDATE ${schema}command SET due_at = each.due_at
      FROM ${records({ id: "bigint", due_at: "bigint" }, changes)} AS each WHERE command.id = each.id`
  }
  if (commands.length === 0) return
  const rows = commands.map((command) => toCommandInsert(command, texts))
  const usedAt = message?.at ?? 0
  yield sql`WITH run AS (
      INSERT INTO ${schema}run (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
      SELECT ${run?.runId ?? null}, id, ${run?.cursor ?? 0}, 'queued', ${key}, ${hash}, ${usedAt}, tenant, user_id
      FROM ${schema}session WHERE id = ${sessionId} AND ${run !== null}
    ),
    steered AS (
      INSERT INTO ${schema}steering_key (session_id, idempotency_key, body_hash, run_id)
      SELECT ${sessionId}, ${key}, ${hash}, ${steered} WHERE ${steered !== null}
    ),
    put AS (${insertCommands(sessionId, rows)})
    UPDATE ${schema}session SET last_used_at = greatest(last_used_at, ${usedAt}),
      stored_bytes = stored_bytes + ${rows.reduce((sum, { bytes }) => sum + bytes, 0)},
      -- If the inbox contains a newer form, only processes that can read it take the session.
      log_version = greatest(log_version, ${Math.max(...rows.map(({ version }) => version))})
    WHERE id = ${sessionId}`
  if (announced && isAnnounced(plan)) yield notify(sessionId)
}

/**
 * Returns true if other processes must learn of the put. A steering message concerns the process that works on the
 * run.
 */
function isAnnounced({ outcome, isDue }: Put): boolean {
  return isDue || outcome.status === "steered"
}

/**
 * Returns a statement that announces a session to other processes. It runs only if necessary, because commits that
 * notify wait for one another in the whole database.
 */
function notify(sessionId: string): Sql {
  return sql`SELECT pg_notify(${arrivalsChannel}, ${sessionId})`
}

/**
 * Inserts the commands in their order. At most one of them has a large body, which is a separate parameter, so that it
 * is not serialized again.
 */
function insertCommands(sessionId: string, rows: readonly NewCommandRow[]): Sql {
  const large = rows.find(({ body }) => body.length > pieceCharacters) ?? null
  const given = rows.map(({ runId, type, body, rank, notBefore, dueAt, bytes }) => {
    const own = { run_id: runId, type, rank, not_before: notBefore, due_at: dueAt, bytes }
    return { ...own, body: body === large?.body ? null : body }
  })
  return sql`INSERT INTO ${schema}command (session_id, run_id, type, body, rank, not_before, due_at, bytes)
    SELECT ${sessionId}, run_id, type, coalesce(body, ${large?.body ?? null}), rank, not_before, due_at, bytes
    FROM ROWS FROM (json_to_recordset(${JSON.stringify(given)}) AS (
      run_id text, type text, body text, rank bigint, not_before bigint, due_at bigint, bytes bigint)) WITH ORDINALITY
      AS each(run_id, type, body, rank, not_before, due_at, bytes, place) ORDER BY place`
}

/** Puts a due command, and announces it. */
function* insertCommand(command: NewCommand): Steps<void> {
  const row = toCommandInsert(command)
  const { sessionId, version } = row
  yield sql`WITH put AS (${insertCommands(sessionId, [row])}),
    newer AS (
      UPDATE ${schema}session SET log_version = ${version} WHERE id = ${sessionId} AND log_version < ${version}
    )
    ${notify(sessionId)}`
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

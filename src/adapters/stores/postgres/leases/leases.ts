import type { Lease, ReleaseOptions } from "../../../../core/ports/store/session-log.ts"
import type { Shares } from "../../../../core/ports/store/shares.ts"
import { escapeText, readInteger, readNullableText, readText } from "../../rows/columns.ts"
import { toLease } from "../../rows/session-rows.ts"
import type { Database, Query } from "../database/database.ts"
import type { HeartbeatTimes } from "./heartbeat.ts"
import { isLive, isOwnerDead, ownerIsConnected } from "./membership.ts"

/** This process as a claimer of sessions. */
export interface Claimer {
  /** The id of its membership. */
  readonly owner: string
  readonly times: HeartbeatTimes
}

/** The sessions that this process can work on: sessions of these agents without data that is newer than it reads. */
export interface Claimable {
  readonly agents: readonly string[]
  readonly reads: number
}

/**
 * SQL: a session that the process $2 may claim. A session that it holds itself is not free, because it has a writer.
 * While its own heartbeat has lapsed, the process claims nothing, because others could take the session again at
 * once.
 */
function isFree(times: HeartbeatTimes): string {
  return `(session.owner IS NULL OR (session.owner <> $2 AND ${isOwnerDead("$2", times)})) AND ${isLive("$2")}`
}

/** SQL: the time of the server's clock at the start of the statement, in milliseconds since the Unix epoch. */
const statementMs = "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"

/** SQL: the session has a due command for which the condition holds. */
function hasDue(condition: string): string {
  return `EXISTS (SELECT FROM agent_gateway.command
    WHERE command.session_id = session.id AND command.due_at IS NOT NULL AND ${condition})`
}

/**
 * SQL: the sessions of the agents $1 with work to do: an open run that is not parked, or a due command (rule 9). Each
 * part reads a range of an index, and takes the rows from there. If one part found ids and another one their rows,
 * Postgres could read all stored sessions, because it expects an id for each open run, and most runs may be parked.
 */
function selectRunnable(reads: number): string {
  const columns = "session.id, session.owner, session.tenant, session.user_id, session.last_used_at"
  const isServed = `session.agent = ANY($1) AND session.log_version <= ${reads}`
  return `(
      SELECT ${columns} FROM agent_gateway.session
      WHERE session.active_run IS NOT NULL AND session.parked_until <= ${statementMs} AND ${isServed}
      UNION
      SELECT ${columns} FROM agent_gateway.command JOIN agent_gateway.session ON session.id = command.session_id
      WHERE command.due_at <= ${statementMs} AND ${isServed}
    ) AS session`
}

/**
 * SQL: the changes of a claim by $2. Only an owner that died counts (rule 10, recovery). `lapsed` is the condition
 * for an owner that lapsed.
 */
function takeClause(lapsed: string): string {
  const hasRun = `(session.active_run IS NOT NULL OR ${hasDue("command.type = 'message'")})`
  const counts = `${hasRun} AND session.owner IS NOT NULL AND NOT ${lapsed}`
  return `epoch = session.epoch + 1, owner = $2, parked_until = 0,
    takeovers = CASE WHEN NOT ${hasRun} THEN 0 WHEN ${counts} THEN session.takeovers + 1 ELSE session.takeovers END,
    counted_owner = CASE WHEN ${counts} THEN session.owner ELSE session.counted_owner END`
}

/**
 * Removes the crash counts for this process. It was cut off from the server with all its connections, so others could
 * not distinguish it from a dead process.
 */
export async function uncountLapse(query: Query, owner: string): Promise<void> {
  await query(
    `UPDATE agent_gateway.session SET takeovers = greatest(takeovers - 1, 0), counted_owner = NULL
     WHERE counted_owner = $1`,
    [owner],
  )
}

/**
 * Claims a session. One statement finds a free session, and the next one takes it only if it is unchanged. A single
 * statement that waited for another claim would judge the new owner by processes that it cannot see yet.
 */
export async function claim(
  query: Query,
  sessionId: string,
  { agents, reads }: Claimable,
  { owner, times }: Claimer,
): Promise<Lease | null> {
  const [seen] = await query(
    `SELECT epoch, owner, ${ownerIsConnected} AS lapsed FROM agent_gateway.session
     WHERE id = $1 AND agent = ANY($3) AND log_version <= ${reads} AND ${isFree(times)}
       AND (active_run IS NULL OR parked_until <= ${statementMs} OR ${hasDue(`command.due_at <= ${statementMs}`)})`,
    [sessionId, owner, agents.map(escapeText)],
  )
  if (seen === undefined) return null
  const [row] = await query(
    `UPDATE agent_gateway.session SET ${takeClause("$5")}
     WHERE id = $1 AND epoch = $3 AND owner IS NOT DISTINCT FROM $4
     RETURNING id, epoch, takeovers, tenant, user_id`,
    [sessionId, owner, readInteger(seen, "epoch"), readNullableText(seen, "owner"), seen.lapsed],
  )
  return row === undefined ? null : toLease(row)
}

/** Claims a session if no process holds it. Must be called inside a transaction that has locked the session. */
export async function claimFree(
  query: Query,
  sessionId: string,
  { agents, reads }: Claimable,
  owner: string,
): Promise<Lease | null> {
  const [row] = await query(
    `UPDATE agent_gateway.session SET ${takeClause("false")}
     WHERE id = $1 AND owner IS NULL AND agent = ANY($3) AND log_version <= ${reads} AND ${isLive("$2")}
     RETURNING id, epoch, takeovers, tenant, user_id`,
    [sessionId, owner, agents.map(escapeText)],
  )
  return row === undefined ? null : toLease(row)
}

export async function claimRunnable(
  query: Query,
  { agents, reads }: Claimable,
  { owner, times }: Claimer,
  { limit, shares }: { readonly limit: number; readonly shares: Shares | undefined },
): Promise<readonly Lease[]> {
  const named = agents.map(escapeText)
  const free = await query(
    `SELECT owner, ${ownerIsConnected} AS lapsed FROM (
       SELECT DISTINCT owner FROM ${selectRunnable(reads)}
     ) AS session WHERE ${isFree(times)}`,
    [named, owner],
  )
  if (free.length === 0) return []
  const dead = free.filter((row) => row.owner !== null)
  const rows = await query(
    `WITH held AS (
       SELECT tenant, user_id, count, last_turn FROM json_to_recordset($5) AS each(
         tenant text, user_id text, count integer, last_turn bigint)
     ),
     waiting AS (
       SELECT session.id, session.tenant, session.last_used_at, coalesce(held.last_turn, 0) AS last_turn,
         coalesce(held.count, 0)
         + row_number() OVER (PARTITION BY session.tenant, session.user_id ORDER BY session.last_used_at) AS place
       FROM ${selectRunnable(reads)} LEFT JOIN held USING (tenant, user_id)
       WHERE session.owner IS NULL OR session.owner = ANY($3)
     ),
     of_tenant AS (
       SELECT tenant, sum(count) AS count, max(last_turn) AS last_turn FROM held GROUP BY tenant
     ),
     in_tenant AS (
       SELECT waiting.id, waiting.last_used_at, coalesce(of_tenant.last_turn, 0) AS last_turn,
         coalesce(of_tenant.count, 0) + row_number() OVER (
           PARTITION BY waiting.tenant ORDER BY waiting.place, waiting.last_turn, waiting.last_used_at) AS place,
         waiting.place AS place_of_user
       FROM waiting LEFT JOIN of_tenant USING (tenant) WHERE waiting.place <= $6
     ),
     in_order AS (
       SELECT id, place, row_number() OVER (ORDER BY place, last_turn, last_used_at) AS turn
       FROM in_tenant WHERE place <= $8 AND (place_of_user = 1 OR place <= $10)
     ),
     free AS (
       SELECT session.id FROM agent_gateway.session JOIN in_order USING (id)
       WHERE (in_order.place = 1 OR in_order.turn <= $9) AND (session.owner IS NULL OR session.owner = ANY($3))
       ORDER BY in_order.turn LIMIT $4 FOR UPDATE OF session SKIP LOCKED
     )
     UPDATE agent_gateway.session SET ${takeClause("session.owner = ANY($7)")} FROM free WHERE session.id = free.id
     RETURNING session.id, session.epoch, session.takeovers, session.tenant, session.user_id`,
    [
      named,
      owner,
      dead.map((row) => readText(row, "owner")),
      limit,
      JSON.stringify(listHeld(shares)),
      shares?.perPrincipal ?? limit,
      dead.filter((row) => row.lapsed === true).map((row) => readText(row, "owner")),
      shares?.perTenant ?? limit,
      shares?.forPresentTenants ?? limit,
      shares?.perTenantOfPresentPrincipals ?? shares?.perTenant ?? limit,
    ],
  )
  return rows.map(toLease)
}

export async function release(
  database: Database,
  lease: Lease,
  { owner, force = false, parkUntil = 0 }: ReleaseOptions & { readonly owner: string },
): Promise<"released" | "pending" | "lost"> {
  return database.transaction(async (query) => {
    const [held] = await query(
      "SELECT FROM agent_gateway.session WHERE id = $1 AND epoch = $2 AND owner = $3 FOR UPDATE",
      [lease.sessionId, lease.epoch, owner],
    )
    if (held === undefined) return "lost"
    const [released] = await query(
      `UPDATE agent_gateway.session SET owner = NULL, parked_until = $3
       WHERE id = $1 AND ($2 OR NOT EXISTS (
         SELECT FROM agent_gateway.command WHERE session_id = $1 AND due_at <= ${statementMs}))
       RETURNING id`,
      [lease.sessionId, force, parkUntil],
    )
    return released === undefined ? "pending" : "released"
  })
}

/** Returns the held places as stored. */
function listHeld(shares: Shares | undefined): object[] {
  const held = shares?.held ?? []
  return held.map(({ tenant, userId, count, lastTurn }) => {
    return { tenant: escapeText(tenant), user_id: escapeText(userId), count, last_turn: lastTurn }
  })
}

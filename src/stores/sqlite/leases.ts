import type { Lease, ReleaseOptions, Shares } from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, type Row, text } from "../columns.ts"
import { toLease } from "../session-rows.ts"
import type { Database } from "./database.ts"
import type { Membership } from "./membership.ts"

/**
 * Sessions with work to do: an open run that is not parked, or a command that is due (rule 9).
 * Its parameters are the agents as a JSON array, the time now, the time now again, and the agents again.
 */
const runnable = (reads: number) => `
  SELECT id, epoch, owner, tenant, user_id, last_used_at FROM session
  WHERE id IN (
    SELECT id FROM session
    WHERE active_run IS NOT NULL AND agent IN (SELECT value FROM json_each(?)) AND parked_until <= ?
    UNION SELECT session_id FROM command WHERE due_at <= ?
  ) AND agent IN (SELECT value FROM json_each(?)) AND log_version <= ${reads}`

/** The sessions that this process can work on: of these agents, and with nothing newer than it reads. */
export interface Claimable {
  readonly agents: readonly string[]
  readonly reads: number
}

/** SQL: the session has a due command for which the condition holds. */
function hasDue(condition: string): string {
  return `EXISTS (SELECT 1 FROM command WHERE session_id = session.id AND due_at IS NOT NULL AND ${condition})`
}

/** By the owner that is its parameter (rule 10). */
const taken = `epoch = epoch + 1, owner = ?, parked_until = 0, takeovers = CASE
    WHEN active_run IS NULL AND NOT ${hasDue("type = 'message'")} THEN 0
    WHEN owner IS NULL THEN takeovers
    ELSE takeovers + 1
  END`

/**
 * The runnable sessions of free owners, in the order in which tenants take turns, and within a tenant its principals. Its
 * parameters are the sessions held already as a JSON array of `[tenant, userId, count, lastTurn]`, those of `runnable`, the
 * free owners as a JSON array, the share of a principal, the share of a tenant, and a limit.
 */
const inTurn = (reads: number) => `
  WITH held AS MATERIALIZED (
    SELECT value ->> 0 AS tenant, value ->> 1 AS user_id, value ->> 2 AS count, value ->> 3 AS last_turn
    FROM json_each(?)
  ),
  waiting AS (
    SELECT *, row_number() OVER (PARTITION BY tenant, user_id ORDER BY last_used_at) AS turn FROM (${runnable(reads)}
      AND (owner IS NULL OR owner IN (SELECT value FROM json_each(?))))
  ),
  of_tenant AS MATERIALIZED (
    SELECT tenant, sum(count) AS count, max(last_turn) AS last_turn FROM held GROUP BY tenant
  ),
  in_tenant AS (
    SELECT id, epoch, owner, tenant, last_used_at, turn + coalesce(count, 0) AS place,
      row_number() OVER (PARTITION BY tenant ORDER BY turn + coalesce(count, 0), coalesce(last_turn, 0), last_used_at) AS turn
    FROM waiting LEFT JOIN held USING (tenant, user_id) WHERE place <= ?
  )
  SELECT id, epoch, owner, turn + coalesce(count, 0) AS place
  FROM in_tenant LEFT JOIN of_tenant USING (tenant)
  WHERE turn + coalesce(count, 0) <= ?
  ORDER BY turn + coalesce(count, 0), coalesce(last_turn, 0), last_used_at LIMIT ?`

export async function claim(
  database: Database,
  membership: Membership,
  sessionId: string,
  { agents, reads, now }: Claimable & { readonly now: number },
): Promise<Lease | null> {
  const row = await database.read(() =>
    database.get(
      `SELECT id, epoch, owner FROM session
       WHERE id = ? AND agent IN (SELECT value FROM json_each(?)) AND log_version <= ${reads}
         AND (active_run IS NULL OR parked_until <= ? OR ${hasDue("due_at <= ?")})`,
      sessionId,
      namesOf(agents),
      now,
      now,
    ),
  )
  if (row === undefined || !isFree(membership, nullableText(row, "owner"))) return null
  return database.write(() => take(database, membership, row))
}

export async function claimRunnable(
  database: Database,
  membership: Membership,
  { agents, reads }: Claimable,
  {
    limit,
    shares,
    now,
  }: { readonly limit: number; readonly shares: Shares | undefined; readonly now: number },
): Promise<Lease[]> {
  const named = namesOf(agents)
  const owners = await database.read(() =>
    database.all(`SELECT DISTINCT owner FROM (${runnable(reads)})`, named, now, now, named),
  )
  const free = owners.map((row) => nullableText(row, "owner")).filter((owner) => isFree(membership, owner))
  if (free.length === 0) return []
  return database.write(() =>
    database
      .all(
        inTurn(reads),
        heldOf(shares),
        named,
        now,
        now,
        named,
        JSON.stringify(free),
        shares?.perPrincipal ?? limit,
        shares?.perTenant ?? limit,
        limit,
      )
      .map((row) => take(database, membership, row))
      .filter((lease) => lease !== null),
  )
}

export function held(database: Database, owner: string): Lease[] {
  return database
    .all("SELECT id, epoch, takeovers, tenant, user_id FROM session WHERE owner = ?", owner)
    .map(toLease)
}

/** Inside a transaction. */
export function release(
  database: Database,
  lease: Lease,
  options: ReleaseOptions & { readonly owner: string; readonly now: number },
): "released" | "pending" | "lost" {
  const held = database.get(
    "SELECT 1 FROM session WHERE id = ? AND epoch = ? AND owner = ?",
    lease.sessionId,
    lease.epoch,
    options.owner,
  )
  if (held === undefined) return "lost"
  const due = "SELECT 1 FROM command WHERE session_id = ? AND due_at <= ?"
  if (options.force !== true && database.get(due, lease.sessionId, options.now)) return "pending"
  database.run(
    "UPDATE session SET owner = NULL, parked_until = ? WHERE id = ?",
    options.parkUntil ?? 0,
    lease.sessionId,
  )
  return "released"
}

function heldOf(shares: Shares | undefined): string {
  const held = shares?.held ?? []
  return JSON.stringify(
    held.map(({ tenant, userId, count, lastTurn }) => [
      escapeText(tenant),
      escapeText(userId),
      count,
      lastTurn,
    ]),
  )
}

/** As stored, in a JSON array. */
function namesOf(agents: readonly string[]): string {
  return JSON.stringify(agents.map(escapeText))
}

/** A session that this very process holds is not free either: it has a writer. */
function isFree(membership: Membership, owner: string | null): boolean {
  return owner === null || !membership.isLive(owner)
}

/** Inside a transaction: takes the session if nobody has it. */
export function claimFree(
  database: Database,
  owner: string,
  sessionId: string,
  { agents, reads }: Claimable,
): Lease | null {
  const row = database.get(
    `UPDATE session SET ${taken}
     WHERE id = ? AND owner IS NULL AND agent IN (SELECT value FROM json_each(?)) AND log_version <= ${reads}
     RETURNING id, epoch, takeovers, tenant, user_id`,
    owner,
    sessionId,
    namesOf(agents),
  )
  return row === undefined ? null : toLease(row)
}

/** Inside a transaction: takes the session if it is still as `seen`. */
function take(database: Database, membership: Membership, seen: Row): Lease | null {
  const row = database.get(
    `UPDATE session SET ${taken} WHERE id = ? AND epoch = ? AND owner IS ?
     RETURNING id, epoch, takeovers, tenant, user_id`,
    membership.id,
    text(seen, "id"),
    integer(seen, "epoch"),
    nullableText(seen, "owner"),
  )
  return row === undefined ? null : toLease(row)
}

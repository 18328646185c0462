import type { Lease, ReleaseOptions } from "../../../../core/ports/store/session-log.ts"
import type { Shares } from "../../../../core/ports/store/shares.ts"
import { escapeText, type Row, readInteger, readNullableText } from "../../rows/columns.ts"
import { toLease } from "../../rows/session-rows.ts"
import type { Candidate } from "../../rules/claim-order.ts"
import { sessionColumns } from "../../sql/tables.ts"
import type { Database } from "../database/database.ts"
import type { Membership } from "./membership.ts"
import { findRunnable } from "./runnable.ts"

/** The sessions that this process can work on: sessions of these agents without data that is newer than it reads. */
export interface Claimable {
  readonly agents: readonly string[]
  readonly reads: number
}

/** SQL: the session has a due command for which the condition holds. */
function hasDue(condition: string): string {
  return `EXISTS (SELECT 1 FROM command
    WHERE command.session_id = session.id AND command.due_at IS NOT NULL AND ${condition})`
}

/** SQL: the changes of a claim by the owner that is its parameter (rule 10). */
const taken = `epoch = epoch + 1, owner = ?, parked_until = 0, takeovers = CASE
    WHEN active_run IS NULL AND NOT ${hasDue("command.type = 'message'")} THEN 0
    WHEN owner IS NULL THEN takeovers
    ELSE takeovers + 1
  END`

/** Maximum number of searches for sessions, if other processes claim those found first. */
const mostLooks = 3

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
         AND (active_run IS NULL OR parked_until <= ? OR ${hasDue("command.due_at <= ?")})`,
      sessionId,
      formatNames(agents),
      now,
      now,
    ),
  )
  if (row === undefined) return null
  const seen = { id: sessionId, epoch: readInteger(row, "epoch"), owner: readNullableText(row, "owner") }
  if (!isFree(membership, seen.owner)) return null
  return database.write(() => take(database, membership, seen))
}

export async function claimRunnable(
  database: Database,
  membership: Membership,
  claimable: Claimable,
  {
    limit,
    shares,
    now,
  }: { readonly limit: number; readonly shares: Shares | undefined; readonly now: number },
): Promise<readonly Lease[]> {
  const leases: Lease[] = []
  for (let look = 1; look <= mostLooks; look++) {
    const left = limit - leases.length
    const found = await findRunnable(database, {
      ...claimable,
      limit: left,
      shares: subtractClaimed(leases.length, shares),
      now,
      isFree: (owner) => isFree(membership, owner),
    })
    leases.push(...(await takeAll(database, membership, found)))
    // More sessions may be left if another process claimed some of these in the meantime.
    if (leases.length >= limit || found.length < left) break
  }
  return leases
}

/** Returns the shares for the sessions that remain to be claimed. */
function subtractClaimed(claimed: number, shares: Shares | undefined): Shares | undefined {
  if (shares?.forPresentTenants === undefined) return shares
  return { ...shares, forPresentTenants: shares.forPresentTenants - claimed }
}

async function takeAll(
  database: Database,
  membership: Membership,
  found: readonly Candidate[],
): Promise<readonly Lease[]> {
  if (found.length === 0) return []
  return database.write(() =>
    found.map((candidate) => take(database, membership, candidate)).filter((lease) => lease !== null),
  )
}

/** Releases a session. Must be called inside a transaction. */
export function release(
  database: Database,
  { sessionId, epoch }: Lease,
  {
    owner,
    now,
    force = false,
    parkUntil = 0,
  }: ReleaseOptions & { readonly owner: string; readonly now: number },
): "released" | "pending" | "lost" {
  const changed = database.run(
    `UPDATE session SET owner = NULL, parked_until = ?
     WHERE id = ? AND epoch = ? AND owner = ? AND (? OR NOT ${hasDue("command.due_at <= ?")})`,
    parkUntil,
    sessionId,
    epoch,
    owner,
    Number(force),
    now,
  )
  if (changed > 0) return "released"
  const sql = "SELECT 1 FROM session WHERE id = ? AND epoch = ? AND owner = ?"
  return database.get(sql, sessionId, epoch, owner) === undefined ? "lost" : "pending"
}

/** Returns the names as stored, in a JSON array. */
function formatNames(agents: readonly string[]): string {
  return JSON.stringify(agents.map(escapeText))
}

/**
 * Returns true if no live process holds the session. A session that this process holds is not free either, because it
 * has a writer.
 */
function isFree(membership: Membership, owner: string | null): boolean {
  return owner === null || !membership.isLive(owner)
}

export interface ClaimWithPut extends Claimable {
  readonly owner: string
  /** The number of the session's newest entry. */
  readonly lastSeq: number
  /** The changes of the put. */
  readonly bytes: number
  readonly version: number
  readonly usedAt: number
}

const takenWithPut = `
  UPDATE session SET ${taken}, stored_bytes = stored_bytes + ?, log_version = max(log_version, ?),
    last_used_at = max(last_used_at, ?)
  WHERE id = ? AND owner IS NULL AND log_version <= ?
    AND agent IN (SELECT value FROM json_each(?))
  RETURNING id, epoch, takeovers, ${sessionColumns}, ? AS last_seq`

/**
 * Claims the session if no process holds it, and makes the changes of the put that gave it work. Returns its row for
 * `toClaim`. Must be called inside a transaction.
 */
export function claimFree(
  database: Database,
  sessionId: string,
  { owner, agents, reads, lastSeq, bytes, version, usedAt }: ClaimWithPut,
): Row | null {
  const names = formatNames(agents)
  return database.get(takenWithPut, owner, bytes, version, usedAt, sessionId, reads, names, lastSeq) ?? null
}

/** Claims the session if it is unchanged since `seen`. Must be called inside a transaction. */
function take(
  database: Database,
  membership: Membership,
  { id, epoch, owner }: Pick<Candidate, "id" | "epoch" | "owner">,
): Lease | null {
  const row = database.get(
    `UPDATE session SET ${taken} WHERE id = ? AND epoch = ? AND owner IS ?
     RETURNING id, epoch, takeovers, tenant, user_id`,
    membership.id,
    id,
    epoch,
    owner,
  )
  return row === undefined ? null : toLease(row)
}

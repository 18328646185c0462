import { logVersion } from "../../core/entries.ts"
import type { Lease } from "../../core/ports/session-log.ts"
import { escapeText, integer, nullableText, type Row, text } from "../columns.ts"
import type { Database } from "./database.ts"
import type { Membership } from "./membership.ts"

/** Sessions of the agents (a JSON array, given twice) with work to do: an open run or an unconsumed command (rule 9). */
const runnable = `
  SELECT id, epoch, owner, last_used_at FROM session
  WHERE id IN (
    SELECT id FROM session WHERE active_run IS NOT NULL AND agent IN (SELECT value FROM json_each(?))
    UNION SELECT session_id FROM command
  ) AND agent IN (SELECT value FROM json_each(?)) AND log_version <= ${logVersion}`

export async function claim(
  database: Database,
  membership: Membership,
  sessionId: string,
): Promise<Lease | null> {
  const row = await database.read(() =>
    database.get(
      `SELECT id, epoch, owner FROM session WHERE id = ? AND log_version <= ${logVersion}`,
      sessionId,
    ),
  )
  if (row === undefined || !isFree(membership, nullableText(row, "owner"))) return null
  return database.write(() => take(database, membership, row))
}

export async function claimRunnable(
  database: Database,
  membership: Membership,
  agents: readonly string[],
  limit: number,
): Promise<Lease[]> {
  const named = JSON.stringify(agents.map(escapeText))
  const owners = await database.read(() =>
    database.all(`SELECT DISTINCT owner FROM (${runnable})`, named, named),
  )
  const free = owners.map((row) => nullableText(row, "owner")).filter((owner) => isFree(membership, owner))
  if (free.length === 0) return []
  return database.write(() =>
    database
      .all(
        `${runnable}
         AND (owner IS NULL OR owner IN (SELECT value FROM json_each(?)))
         ORDER BY last_used_at LIMIT ?`,
        named,
        named,
        JSON.stringify(free),
        limit,
      )
      .map((row) => take(database, membership, row))
      .filter((lease) => lease !== null),
  )
}

/** Inside a transaction. */
export function release(
  database: Database,
  lease: Lease,
  options: { readonly owner: string; readonly force: boolean },
): "released" | "pending" | "lost" {
  if (!holds(database, lease, options.owner)) return "lost"
  if (!options.force && database.get("SELECT 1 FROM command WHERE session_id = ?", lease.sessionId)) {
    return "pending"
  }
  database.run("UPDATE session SET owner = NULL WHERE id = ?", lease.sessionId)
  return "released"
}

export function holds(database: Database, lease: Lease, owner: string): boolean {
  const row = database.get(
    "SELECT 1 FROM session WHERE id = ? AND epoch = ? AND owner = ?",
    lease.sessionId,
    lease.epoch,
    owner,
  )
  return row !== undefined
}

/** A session that this very process holds is not free either: it has a writer. */
function isFree(membership: Membership, owner: string | null): boolean {
  return owner === null || !membership.isLive(owner)
}

/** Inside a transaction: takes the session if it is still as `seen`. */
function take(database: Database, membership: Membership, seen: Row): Lease | null {
  const sessionId = text(seen, "id")
  const row = database.get(
    `UPDATE session SET epoch = epoch + 1, owner = ?, takeovers = CASE
       WHEN active_run IS NULL THEN 0
       WHEN owner IS NULL THEN takeovers
       ELSE takeovers + 1
     END
     WHERE id = ? AND epoch = ? AND owner IS ?
     RETURNING epoch, takeovers`,
    membership.id,
    sessionId,
    integer(seen, "epoch"),
    nullableText(seen, "owner"),
  )
  if (row === undefined) return null
  return { sessionId, epoch: integer(row, "epoch"), takeovers: integer(row, "takeovers") }
}

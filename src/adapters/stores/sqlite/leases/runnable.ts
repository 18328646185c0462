import { setImmediate as nextTurn } from "node:timers/promises"
import type { Shares } from "../../../../core/ports/store/shares.ts"
import {
  escapeText,
  type Row,
  readInteger,
  readNullableText,
  readText,
  unescapeText,
} from "../../rows/columns.ts"
import { type Candidate, createTurns } from "../../rules/claim-order.ts"
import type { Database } from "../database/database.ts"
import type { Claimable } from "./leases.ts"

export interface RunnableOptions extends Claimable {
  readonly limit: number
  readonly shares: Shares | undefined
  readonly now: number
  /** Returns true if the session has no live owner. */
  readonly isFree: (owner: string | null) => boolean
}

/** Maximum rows of one page. Reading them blocks the event loop for less than a millisecond (rule 15). */
const pageRows = 250

const columns =
  "session.id, session.epoch, session.owner, session.tenant, session.user_id, session.last_used_at"

/**
 * Parameters: the time now, the last row before the page, the number of rows, the log version, and the agents as a
 * JSON array.
 */
const withDueCommand = `
  SELECT due.due_at AS position, due.session_id AS at, due.id AS arrival, ${columns}
  FROM (SELECT due_at, session_id, id FROM command WHERE due_at <= ? AND (due_at, session_id) > (?, ?)
    ORDER BY due_at, session_id LIMIT ?) AS due
  LEFT JOIN session ON session.id = due.session_id AND session.log_version <= ?
    AND session.agent IN (SELECT value FROM json_each(?))`

/** Parameters: the agent, the time now, the last row before the page, the log version, and the number of rows. */
const withOpenRun = `
  SELECT parked_until AS position, id AS at, 0 AS arrival, ${columns} FROM session
  WHERE agent = ? AND active_run IS NOT NULL AND parked_until <= ? AND (parked_until, id) > (?, ?)
    AND log_version <= ?
  ORDER BY parked_until, id LIMIT ?`

/**
 * Finds the sessions whose turn it is among those with work to do: an open run that is not parked, or a due command
 * (rule 9). Reads them page by page, because there may be tens of thousands.
 */
export async function findRunnable(
  database: Database,
  { agents, reads, limit, shares, now, isFree }: RunnableOptions,
): Promise<readonly Candidate[]> {
  const turns = createTurns(limit, shares)
  const names = agents.map(escapeText)
  const freeOwners = new Map<string | null, boolean>()
  const isOwnerFree = (owner: string | null) => {
    const known = freeOwners.get(owner) ?? isFree(owner)
    freeOwners.set(owner, known)
    return known
  }

  async function look(page: (position: number, at: string) => Row[]): Promise<void> {
    let [position, at] = [Number.MIN_SAFE_INTEGER, ""]
    for (;;) {
      const rows = await database.read(() => page(position, at))
      for (const row of rows) {
        // Most rows are sessions that this process works on, of which nothing else is read.
        if (!isOwnerFree(readNullableText(row, "owner"))) continue
        const candidate = toCandidate(row)
        if (candidate !== null) turns.add(candidate)
      }
      const last = rows.at(-1)
      if (rows.length < pageRows || last === undefined) return
      position = readInteger(last, "position")
      at = readText(last, "at")
      await nextTurn()
    }
  }

  await look((position, at) =>
    database.all(withDueCommand, now, position, at, pageRows, reads, JSON.stringify(names)),
  )
  for (const name of names) {
    await look((position, at) => database.all(withOpenRun, name, now, position, at, reads, pageRows))
  }
  return turns.next()
}

/** Converts a row into a candidate. Null for a command of a session that this process does not serve. */
function toCandidate(row: Row): Candidate | null {
  const id = readNullableText(row, "id")
  if (id === null) return null
  return {
    id,
    epoch: readInteger(row, "epoch"),
    owner: readNullableText(row, "owner"),
    tenant: unescapeText(readText(row, "tenant")),
    userId: unescapeText(readText(row, "user_id")),
    lastUsedAt: readInteger(row, "last_used_at"),
    arrival: readInteger(row, "arrival"),
  }
}

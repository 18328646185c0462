import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { type CommittedWait, mayCloseWaits, toOpenWait } from "../../rules/wait-changes.ts"
import type { Query } from "../database/database.ts"

/**
 * Returns the open waits that the batches may close. The statement runs after the locks, so that it sees every
 * answer.
 */
export async function openWaits(
  query: Query,
  batches: readonly SessionBatch[],
): Promise<readonly CommittedWait[]> {
  const closing = batches.filter(mayCloseWaits)
  if (closing.length === 0) return []
  const rows = await query(
    `SELECT id, session_id, body FROM agent_gateway.wait
     WHERE session_id = ANY($1) AND state = 'open' ORDER BY id`,
    [closing.map(({ lease }) => lease.sessionId)],
  )
  return rows.map(toOpenWait)
}

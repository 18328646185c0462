import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { escapeText } from "../../rows/columns.ts"
import type { Query } from "../database/database.ts"

/**
 * Deletes items that the sessions no longer need, in the transaction of their commit. Skips commands that are being
 * delivered, because their delivery may wait for a session of this transaction.
 */
export async function deleteDroppedItems(query: Query, batches: readonly SessionBatch[]): Promise<void> {
  const dropped = batches.flatMap(({ lease: { sessionId }, outboxDropped = [] }) =>
    outboxDropped.map((id) => ({ session_id: sessionId, id: escapeText(id) })),
  )
  if (dropped.length === 0) return
  await query(
    `DELETE FROM agent_gateway.outbox WHERE number IN (
       SELECT outbox.number FROM agent_gateway.outbox
       JOIN json_to_recordset($1) AS each(session_id text, id text) USING (session_id, id)
       FOR UPDATE OF outbox SKIP LOCKED)`,
    [JSON.stringify(dropped)],
  )
}

import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { type CommittedWait, mayCloseWaits, toOpenWait } from "../../rules/wait-changes.ts"
import type { Database } from "../database/database.ts"

/** Returns the open waits that the batch may close. */
export function openWaits(database: Database, batch: SessionBatch): readonly CommittedWait[] {
  if (!mayCloseWaits(batch)) return []
  return database
    .all(
      "SELECT id, session_id, body FROM wait WHERE session_id = ? AND state = 'open' ORDER BY id",
      batch.lease.sessionId,
    )
    .map(toOpenWait)
}

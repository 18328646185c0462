import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { escapeText } from "../../rows/columns.ts"
import {
  type CommittedWait,
  changeWaits,
  createClosingRecords,
  mayCloseWaits,
  toOpenWait,
} from "../../rules/wait-changes.ts"
import { insertAudit } from "../../sql/approvals.ts"
import type { Database } from "../database/database.ts"
import { runSteps } from "../database/sql-database.ts"

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

/**
 * Stores the changed waits of the batch, and their records in the audit trail. Must be called inside a transaction.
 */
export function writeWaits(
  database: Database,
  batch: SessionBatch,
  { open, at }: { readonly open: readonly CommittedWait[]; readonly at: number },
): void {
  const waits = changeWaits(open, batch, at)
  for (const each of waits) {
    if (each.id === null) insertWait(database, each)
    else if (each.state !== "open") {
      database.run("UPDATE wait SET state = ? WHERE id = ?", each.state, each.id)
    }
  }
  runSteps(database, at, insertAudit(createClosingRecords(waits)))
}

function insertWait(database: Database, { sessionId, state, wait }: CommittedWait): void {
  database.run(
    `INSERT INTO wait (session_id, wait_id, run_id, tool_call_id, kind, state, expires_at, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    sessionId,
    escapeText(wait.waitId),
    wait.runId,
    escapeText(wait.toolCallId),
    wait.kind,
    state,
    wait.expiresAt,
    JSON.stringify(wait),
  )
}

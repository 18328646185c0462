import type { NewWait, SessionBatch } from "../../core/ports/session-log.ts"
import { escapeText, integer } from "../columns.ts"
import { closingRecord } from "../decision-records.ts"
import { toNewWait } from "../wait-rows.ts"
import { insertAudit } from "./approvals.ts"
import type { Database } from "./database.ts"

/** What a batch does to waits. Inside a transaction; `at` is the time of the batch. */
export function changeWaits(database: Database, batch: SessionBatch, at: number): void {
  const { lease, waitsOpened = [], waitsExpired = [], runEnded } = batch
  for (const wait of waitsOpened) insertWait(database, lease.sessionId, wait)
  for (const toolCallId of waitsExpired) {
    close(database, {
      sessionId: lease.sessionId,
      at,
      action: "expired",
      by: ["tool_call_id", escapeText(toolCallId)],
    })
  }
  if (runEnded !== undefined) {
    close(database, { sessionId: lease.sessionId, at, action: "withdrawn", by: ["run_id", runEnded.runId] })
  }
}

/** Whether each of the waits that would expire is still open. */
export function areOpen(database: Database, { lease, waitsExpired = [] }: SessionBatch): boolean {
  return waitsExpired.every((toolCallId) =>
    database.get(
      "SELECT 1 FROM wait WHERE session_id = ? AND tool_call_id = ? AND state = 'open'",
      lease.sessionId,
      escapeText(toolCallId),
    ),
  )
}

function insertWait(database: Database, sessionId: string, wait: NewWait): void {
  database.run(
    `INSERT INTO wait (session_id, run_id, tool_call_id, kind, state, expires_at, body)
     VALUES (?, ?, ?, ?, 'open', ?, ?)`,
    sessionId,
    wait.runId,
    escapeText(wait.toolCallId),
    wait.kind,
    wait.expiresAt,
    JSON.stringify(wait),
  )
}

interface Closing {
  readonly sessionId: string
  readonly at: number
  readonly action: "expired" | "withdrawn"
  readonly by: readonly [column: "tool_call_id" | "run_id", value: string]
}

/** Closes the open waits that the column selects, with what the audit trail says of it. */
function close(database: Database, closing: Closing): void {
  const [column, value] = closing.by
  const open = database.all(
    `SELECT id, body FROM wait WHERE session_id = ? AND state = 'open' AND ${column} = ? ORDER BY id`,
    closing.sessionId,
    value,
  )
  for (const row of open) {
    database.run("UPDATE wait SET state = ? WHERE id = ?", closing.action, integer(row, "id"))
    insertAudit(database, [closingRecord(toNewWait(row), closing)])
  }
}

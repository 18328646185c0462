import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { escapeText } from "../../rows/columns.ts"
import { createOutboxRows } from "../../rows/outbox-rows.ts"
import type { Database } from "../database/database.ts"

/** Inserts outbox items. Must be called inside the transaction of the commit. */
export function insertOutbox(database: Database, batch: SessionBatch, now: number): void {
  for (const { session_id, id, kind, payload, bytes, due_at } of createOutboxRows(batch)) {
    database.run(
      `INSERT INTO outbox (session_id, id, kind, payload, bytes, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (session_id, id) DO NOTHING`,
      session_id,
      id,
      kind,
      payload,
      bytes,
      now,
      due_at ?? now,
    )
  }
}

/** Deletes items that the session no longer needs. Must be called inside the transaction of the commit. */
export function deleteDroppedItems(database: Database, { lease, outboxDropped = [] }: SessionBatch): void {
  for (const id of outboxDropped) {
    database.run("DELETE FROM outbox WHERE session_id = ? AND id = ?", lease.sessionId, escapeText(id))
  }
}

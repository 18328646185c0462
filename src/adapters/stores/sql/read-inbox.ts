import { type InboxMessage, maxListedMessageBytes, type QueuedRun } from "../../../core/ports/store/inbox.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { commandColumns, toCommandRow } from "../rows/command-rows.ts"
import { toInboxMessage } from "../rows/inbox-messages.ts"
import { listQueuedRuns } from "../rules/queue-order.ts"
import { createText, now, type SqlDatabase, schema, sql } from "./statement.ts"

/** Returns the queued runs of a session in the order in which they open. */
export async function findQueued({ read }: SqlDatabase, sessionId: string): Promise<readonly QueuedRun[]> {
  const rows = await read(sql`SELECT ${createText(commandColumns)}, ${now} AS now FROM ${schema}command
    WHERE command.session_id = ${escapeText(sessionId)} AND command.type = 'message'`)
  const [first] = rows
  return first === undefined ? [] : listQueuedRuns(rows.map(toCommandRow), readInteger(first, "now"))
}

/** Returns the messages that no run has taken yet, oldest first. Reads no large message. */
export async function listInboxMessages(
  { read }: SqlDatabase,
  sessionId: string,
): Promise<readonly InboxMessage[]> {
  const rows = await read(sql`
    SELECT id, run_id, type, CASE WHEN octet_length(body) <= ${maxListedMessageBytes} THEN body END AS body
    FROM ${schema}command WHERE session_id = ${escapeText(sessionId)} AND type IN ('message', 'steer') ORDER BY id`)
  return rows.map(toInboxMessage)
}

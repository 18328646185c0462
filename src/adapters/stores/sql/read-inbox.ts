import { type InboxMessage, maxListedMessageBytes, type QueuedRun } from "../../../core/ports/store/inbox.ts"
import type { MessageCommand, PutOutcome } from "../../../core/ports/store/session-log.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { commandColumns, toCommandRow } from "../rows/command-rows.ts"
import { toInboxMessage } from "../rows/inbox-messages.ts"
import { decideRepeatedMessage, toIdempotencyColumns } from "../rules/idempotency.ts"
import type { Receiver } from "../rules/put-rules.ts"
import { listQueuedRuns } from "../rules/queue-order.ts"
import { createText, now, type SqlDatabase, type Steps, schema, sql } from "./statement.ts"

/** Returns the outcome of an earlier message with the same idempotency key. Null if there is none. */
export function* findRepeated(
  { sessionId, idempotency }: MessageCommand,
  receiver: Receiver,
): Steps<PutOutcome | null> {
  if (idempotency === null) return null
  const { key } = toIdempotencyColumns(idempotency)
  const [known] = yield sql`
    SELECT id, cursor, body_hash FROM ${schema}run WHERE session_id = ${sessionId} AND idempotency_key = ${key}
    UNION ALL
    SELECT run.id, run.cursor, key.body_hash FROM ${schema}steering_key AS key
    JOIN ${schema}run ON run.id = key.run_id WHERE key.session_id = ${sessionId} AND key.idempotency_key = ${key}`
  return known === undefined ? null : decideRepeatedMessage(idempotency, known, receiver)
}

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

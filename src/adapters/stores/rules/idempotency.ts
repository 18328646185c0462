import type { MessageCommand, PutOutcome } from "../../../core/ports/store/session-log.ts"
import { escapeText, type Row, readInteger, readText } from "../rows/columns.ts"
import type { Receiver } from "./put-rules.ts"
import { findPosition } from "./queue-order.ts"

export type Idempotency = NonNullable<MessageCommand["idempotency"]>

/** The columns that remember a message with an idempotency key. Both are null for other messages. */
export interface IdempotencyColumns {
  readonly key: string | null
  readonly hash: string | null
}

export function toIdempotencyColumns(idempotency: Idempotency | null): IdempotencyColumns {
  if (idempotency === null) return { key: null, hash: null }
  return { key: escapeText(idempotency.key), hash: escapeText(idempotency.bodyHash) }
}

/**
 * Decides the effect of a message whose idempotency key is known: the run of the earlier message, or a refusal if the
 * bodies differ.
 *
 * @param known The `id`, `cursor` and `body_hash` of the earlier message's run.
 */
export function decideRepeatedMessage(
  { bodyHash }: Idempotency,
  known: Row,
  { rows, open, now }: Receiver,
): PutOutcome {
  if (readText(known, "body_hash") !== escapeText(bodyHash)) return { status: "keyReused" }
  const [runId, cursor] = [readText(known, "id"), readInteger(known, "cursor")]
  const position = findPosition(rows, runId, { now, openRunId: open?.runId ?? null })
  return { status: "duplicate", runId, cursor, ...(position !== undefined && { position }) }
}

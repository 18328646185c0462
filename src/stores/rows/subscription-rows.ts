import type { SessionBatch } from "../../core/ports/store/session-log.ts"
import type { Cursor, ForgottenSubscription } from "../../core/ports/store/subscriptions.ts"
import { integer, type Row, text, unescapeText } from "./columns.ts"

/** Converts a row that was just claimed. */
export function toCursor(row: Row): Cursor {
  return {
    sessionId: text(row, "session_id"),
    subscriber: unescapeText(text(row, "subscriber")),
    seq: integer(row, "seq"),
    attempt: integer(row, "attempts"),
    isGone: row.is_gone === true || row.is_gone === 1,
    claim: text(row, "claim"),
  }
}

export function toForgotten(row: Row): ForgottenSubscription {
  return {
    subscriber: unescapeText(text(row, "name")),
    agent: unescapeText(text(row, "agent")),
    since: integer(row, "forgotten_since"),
  }
}

/** Sessions with new events, each with the number before the first of them, at which a new cursor starts. */
export type Stirred = ReadonlyMap<string, number>

/** Returns the sessions of stored batches. */
export function collectStirred(batches: readonly SessionBatch[]): Stirred {
  const stirred = new Map<string, number>()
  for (const { lease, entries } of batches) {
    const first = entries.find(({ kind }) => kind === "event")
    if (first !== undefined && !stirred.has(lease.sessionId)) stirred.set(lease.sessionId, first.seq - 1)
  }
  return stirred
}

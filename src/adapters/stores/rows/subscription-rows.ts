import type { SessionBatch } from "../../../core/ports/store/session-log.ts"
import type { Cursor, ForgottenSubscription } from "../../../core/ports/store/subscriptions.ts"
import { type Row, readInteger, readText, unescapeText } from "./columns.ts"

/** Converts a row that was just claimed. */
export function toCursor(row: Row): Cursor {
  return {
    sessionId: readText(row, "session_id"),
    subscriber: unescapeText(readText(row, "subscriber")),
    seq: readInteger(row, "seq"),
    attempt: readInteger(row, "attempts"),
    isGone: row.is_gone === true || row.is_gone === 1,
    claim: readText(row, "claim"),
  }
}

export function toForgotten(row: Row): ForgottenSubscription {
  return {
    subscriber: unescapeText(readText(row, "name")),
    agent: unescapeText(readText(row, "agent")),
    since: readInteger(row, "forgotten_since"),
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

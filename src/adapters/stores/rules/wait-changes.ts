import type { AuditRecord, Wait } from "../../../core/ports/store/approvals.ts"
import type { SessionBatch } from "../../../core/ports/store/session-log.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type Row, readInteger, readText } from "../rows/columns.ts"
import { createClosingRecord } from "../rows/decision-records.ts"
import { toNewWait } from "../rows/wait-rows.ts"

/** A wait during one commit. */
export interface CommittedWait {
  /** Null until it is stored. */
  readonly id: number | null
  readonly sessionId: string
  readonly state: Exclude<Wait["state"], "answered">
  /** Time at which it was closed. */
  readonly at: number
  readonly wait: NewWait
}

/** Returns true if the batch may close waits, so that the open waits of its session must be read. */
export function mayCloseWaits({ waitsExpired = [], runEnded }: SessionBatch): boolean {
  return waitsExpired.length > 0 || runEnded !== undefined
}

/** Converts an open wait's row with `id`, `session_id` and `body`. */
export function toOpenWait(row: Row): CommittedWait {
  const sessionId = readText(row, "session_id")
  return { id: readInteger(row, "id"), sessionId, state: "open", at: 0, wait: toNewWait(row) }
}

/** Returns true if each of the waits that would expire is still open. */
export function areOpen(
  waits: readonly CommittedWait[],
  { lease, waitsExpired = [] }: SessionBatch,
): boolean {
  return waitsExpired.every((waitId) =>
    waits.some(
      ({ sessionId, state, wait }) =>
        sessionId === lease.sessionId && state === "open" && wait.waitId === waitId,
    ),
  )
}

/**
 * Returns the waits after a batch: those that it opens, those that it lets expire, and those that end with its run.
 */
export function changeWaits(
  waits: readonly CommittedWait[],
  { lease, waitsOpened = [], waitsExpired = [], runEnded }: SessionBatch,
  at: number,
): readonly CommittedWait[] {
  const { sessionId } = lease
  const opened = waitsOpened.map((wait): CommittedWait => {
    return { id: null, sessionId, state: "open", at, wait }
  })
  return [...waits, ...opened].map((each) => {
    if (each.sessionId !== sessionId || each.state !== "open") return each
    if (waitsExpired.includes(each.wait.waitId)) return { ...each, state: "expired", at }
    return each.wait.runId === runEnded?.runId ? { ...each, state: "withdrawn", at } : each
  })
}

/** Returns the audit records of closed waits. */
export function createClosingRecords(waits: readonly CommittedWait[]): readonly AuditRecord[] {
  return waits.flatMap(({ wait, sessionId, state, at }) => {
    const record = state === "open" ? null : createClosingRecord(wait, { sessionId, action: state, at })
    return record === null ? [] : [record]
  })
}

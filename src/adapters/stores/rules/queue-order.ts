import type { QueuedRun } from "../../../core/ports/store/inbox.ts"
import type { CommandRow } from "../rows/command-rows.ts"

/** The time and the run that determine the order of an inbox. */
export interface Moment {
  /** The time of the store's clock. */
  readonly now: number
  readonly openRunId: string | null
}

/** Returns the queued messages in the order in which they are taken. */
export function listQueue(rows: readonly CommandRow[], now: number): CommandRow[] {
  return rows
    .filter(({ type }) => type === "message")
    .sort(
      (left, right) =>
        Math.max(left.notBefore, now) - Math.max(right.notBefore, now) ||
        left.rank - right.rank ||
        left.id - right.id,
    )
}

export function listQueuedRuns(rows: readonly CommandRow[], now: number): QueuedRun[] {
  return listQueue(rows, now).map(({ runId, notBefore }, index) => ({
    runId,
    notBefore,
    position: index + 1,
  }))
}

/** Returns the position of a queued run that waits for others or for its time. Undefined for other runs. */
export function findPosition(rows: readonly CommandRow[], runId: string, moment: Moment): number | undefined {
  const queue = listQueue(rows, moment.now)
  const index = queue.findIndex((row) => row.runId === runId)
  const row = queue[index]
  if (row === undefined) return undefined
  const isNext = index === 0 && moment.openRunId === null && row.notBefore <= moment.now
  return isNext ? undefined : index + 1
}

export interface DueChange {
  readonly id: number
  readonly dueAt: number | null
}

/**
 * Returns the changes of the times at which messages are due, so that a claim reads no message that cannot be taken.
 * While a run is open, no message is due. Otherwise only the next message is due, at its time.
 */
export function computeDueChanges(rows: readonly CommandRow[], moment: Moment): DueChange[] {
  const queue = listQueue(rows, moment.now)
  if (moment.openRunId !== null)
    return queue.filter(({ dueAt }) => dueAt !== null).map(({ id }) => ({ id, dueAt: null }))
  const [next] = queue
  return next === undefined || next.dueAt === next.notBefore ? [] : [{ id: next.id, dueAt: next.notBefore }]
}

import type { WaitKind } from "../../wait.ts"

/** Sums over a whole store, for metrics. All processes of the store report the same. */
export interface StoreFigures {
  /** Messages that are due, and whose runs have not opened. The age is that of the message. */
  readonly queue: Backlog
  /** Number of open runs. */
  readonly openRuns: number
  /** Open waits. Kinds without open waits may be absent. */
  readonly waits: Readonly<Partial<Record<WaitKind, Backlog>>>
  /** Outbox items that are not delivered. The age is that of the oldest item that is due or was tried before. */
  readonly outbox: Backlog
  /** Number of outbox items that are not tried again. */
  readonly deadItems: number
  /** Schedules whose check is due. The age is the time since the check was due. */
  readonly dueSchedules: Backlog
}

export interface Backlog {
  /** At most `maxCounted`. */
  readonly count: number
  /** Milliseconds by the store's clock. 0 if there is none. */
  readonly oldestMs: number
}

/** A sum counts at most this many rows, so that a request for metrics does not delay runs. */
export const maxCounted = 5_000

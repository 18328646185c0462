import type { Delta, Event, EventEntry } from "../entries.ts"

/** The log as one attempt at a run sees it: it may only write, and only while it holds the lease. */
export interface Journal {
  /**
   * Resolves when the events are durable and published, in this order, after every delta emitted before.
   * Rejects with `LeaseLostError`, `RunCancelledError` (on a terminal event only) or `StoreUnavailableError`.
   */
  append(events: readonly Event[]): Promise<readonly EventEntry[]>
  /** Publishes at once; becomes durable with the next commit. Returns its sequence number. */
  emit(delta: Delta): number
}

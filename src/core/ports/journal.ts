import type { AppData, Delta, Event, EventEntry } from "../log/entries.ts"
import type { OutboxItem } from "./outbox.ts"
import type { NewWait } from "./session-log.ts"

/** The log as one attempt at a run sees it: it may only write, and only while it holds the lease. */
export interface Journal {
  /** The newest log version that may be written now (rule 14, versions). */
  readonly version: number
  /**
   * Resolves when the events are durable and published, in this order, after every delta emitted before. The effects
   * are part of the same commit. Rejects with `LeaseLostError`, `RunCancelledError` or `RunSteeredError` (on a
   * terminal event only), `RunWithdrawnError` (on the event that opens a run only), `WaitAnsweredError` (when a wait
   * to expire was answered) or `StoreUnavailableError`.
   */
  append(events: readonly Event[], effects?: JournalEffects): Promise<readonly EventEntry[]>
  /** Publishes at once; becomes durable with the next commit. Returns its sequence number. */
  emit(delta: Delta): number
  /**
   * Shows the value to those who follow the session at this moment, after every event appended before. It is never
   * stored, and is dropped if too much waits behind events that the store has not taken yet.
   */
  show(data: AppData): void
}

export interface JournalEffects {
  /** Set with the event that opens a run: if true, messages may join that run between its steps. */
  readonly steerable?: boolean
  /** Commands that are acted on by these events, and so leave the inbox. */
  readonly consume?: readonly number[]
  readonly open?: readonly NewWait[]
  /** Ids of waits that nobody answered before their time, or the call that opened them, was over. */
  readonly expire?: readonly string[]
  /**
   * Stored with these events, of which there must be at least one. An item of more than 1 000 000 bytes rejects the
   * append.
   */
  readonly outbox?: readonly OutboxItem[]
}

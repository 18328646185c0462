import type { Delta } from "../../log/deltas.ts"
import type { AppData, Event, EventEntry } from "../../log/entries.ts"
import type { NewWait } from "../../wait.ts"
import type { OutboxItem } from "../store/outbox.ts"

/**
 * The log as the process that executes a run sees it. The process can only write, and only while it holds the lease.
 */
export interface Journal {
  /**
   * Resolves when the events are durable and published, in this order, after every delta emitted before. The effects
   * are part of the same commit. Rejects with `LeaseLostError`, `RunCancelledError` (only for a terminal event),
   * `RunSteeredError` (only for a terminal event or a steering message), `RunWithdrawnError` (only for the event that
   * opens a run), `WaitAnsweredError` (if a wait to expire was answered) or `StoreUnavailableError`.
   */
  append(events: readonly Event[], effects?: JournalEffects): Promise<readonly EventEntry[]>
  /** Publishes a delta at once and returns its sequence number. The next commit makes it durable. */
  emit(delta: Delta): number
  /**
   * Shows the value to the current subscribers of the session, after every event appended before. The value is never
   * stored. It is dropped if too much data already waits for events to be stored.
   */
  show(data: AppData): void
}

export interface JournalEffects {
  /** Set with the event that opens a run: if true, messages may join that run between its steps. */
  readonly steerable?: boolean
  /** Ids of commands that these events act on. The commit removes them from the inbox. */
  readonly consume?: readonly number[]
  /**
   * Ids of steering messages that these events log. The commit removes them from the inbox, and is refused if one of
   * them was withdrawn.
   */
  readonly join?: readonly number[]
  readonly open?: readonly NewWait[]
  /** Ids of waits that end without an answer, because they expired or their call ended. */
  readonly expire?: readonly string[]
  /**
   * Stored with these events, of which there must be at least one. The append rejects if an item has more than 1
   * 000 000 bytes.
   */
  readonly outbox?: readonly OutboxItem[]
  /** Ids of outbox items of earlier commits that are no longer needed. They are deleted with these events. */
  readonly dropItems?: readonly string[]
}

import type { Conversation } from "../../agent/conversation.ts"
import type { WrittenSnapshot } from "./read-snapshot.ts"

/** Number of events after which a new snapshot is due. */
const eventsOfSnapshot = 100
/** Characters of events after which a new snapshot is due. */
const charactersOfSnapshot = 200_000

/** Tracks the stored snapshot of a conversation, and decides when a new one is due. */
export class SnapshotProgress {
  /** The newest epoch in which this process claimed the session. */
  epoch: number
  /** The stored snapshot. Null if there is none, or if its state is not certain. */
  written: WrittenSnapshot | null
  #events = 0
  #characters = 0

  constructor(epoch: number, written: WrittenSnapshot | null) {
    this.epoch = epoch
    this.written = written
  }

  isDue({ progress: { events, characters } }: Conversation): boolean {
    return events - this.#events >= eventsOfSnapshot || characters - this.#characters >= charactersOfSnapshot
  }

  /**
   * Restarts the count at this conversation. If this snapshot cannot be written, the next one is the next attempt.
   */
  captured({ progress: { events, characters } }: Conversation): void {
    this.#events = events
    this.#characters = characters
  }
}

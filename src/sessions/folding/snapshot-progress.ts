import type { Conversation } from "../../agent/conversation.ts"
import type { WrittenSnapshot } from "./read-snapshot.ts"

/** Events after which a session has a new snapshot. */
const eventsOfSnapshot = 100
/** Characters of events after which a session has a new snapshot. */
const charactersOfSnapshot = 200_000

/** Knows what the store has of a conversation, and when a new snapshot is due. */
export class SnapshotProgress {
  /** The newest epoch in which the process that has the conversation has had the session. */
  epoch: number
  /** The snapshot in the store; null if there is none, or if that is not certain. */
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

  /** Restarts the count from here. If a snapshot cannot be written, the next one tries again. */
  captured({ progress: { events, characters } }: Conversation): void {
    this.#events = events
    this.#characters = characters
  }
}

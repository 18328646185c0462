import { estimateJsonSize } from "../../core/json/json-size.ts"
import type { EventEntry } from "../../core/log/entries.ts"

/** Identifies an event of the log. */
export interface EventMark {
  readonly seq: number
  readonly at: number
  readonly runId: string | null
  readonly type: string
}

export function markOf({ seq, at, runId, event }: EventEntry): EventMark {
  return { seq, at, runId, type: event.type }
}

export function isSameEvent(left: EventMark, right: EventMark): boolean {
  return (
    left.seq === right.seq && left.at === right.at && left.runId === right.runId && left.type === right.type
  )
}

/** Counts the events that a conversation was folded from in this process. */
export class FoldProgress {
  #events = 0
  #characters = 0
  #last: EventMark | null
  #isOrdered = true

  /** `last` is the newest event of the restored conversation. Null for a conversation that was not restored. */
  constructor(last: EventMark | null) {
    this.#last = last
  }

  get events(): number {
    return this.#events
  }

  /** Size of those events as JSON, in characters. */
  get characters(): number {
    return this.#characters
  }

  /** The newest event; null for an empty log. */
  get last(): EventMark | null {
    return this.#last
  }

  /** If false, an event came after a later one, so the conversation may differ from the log's. */
  get isOrdered(): boolean {
    return this.#isOrdered
  }

  note(entry: EventEntry): void {
    if (this.#last !== null && entry.seq < this.#last.seq) this.#isOrdered = false
    this.#events += 1
    this.#characters += estimateJsonSize(entry.event)
    this.#last = markOf(entry)
  }
}

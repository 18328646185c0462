import type { ModelEvent } from "../../../core/ports/model/provider.ts"

/**
 * The events of one read of a response. Adjacent text of the same part becomes one delta, because a read is shown as
 * a whole, and a delta costs a row of the log and a frame, while its text costs almost nothing.
 */
export class ReadEvents {
  #events: ModelEvent[] = []

  add(event: ModelEvent): void {
    const last = this.#events.length - 1
    const joined = join(this.#events[last], event)
    if (joined === null) this.#events.push(event)
    else this.#events[last] = joined
  }

  /** Removes and returns the events, in their order. */
  take(): readonly ModelEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

function join(before: ModelEvent | undefined, event: ModelEvent): ModelEvent | null {
  if (before === undefined || !isDelta(before) || !isDelta(event)) return null
  if (before.type !== event.type || before.part !== event.part) return null
  return { ...before, text: before.text + event.text }
}

type Delta = Extract<ModelEvent, { readonly text: string }>

function isDelta(event: ModelEvent): event is Delta {
  return "text" in event
}

import { type Event, isTerminal, type WaitOpened } from "../../../core/log/entries.ts"

/** The calls of a run that have no result yet, folded from its events. A turn must be folded from its start. */
export class OpenCalls {
  readonly #calls = new Set<string>()
  /** Open waits by their ids. */
  readonly #waits = new Map<string, WaitOpened>()

  apply(event: Event): void {
    switch (event.type) {
      case "toolCallRequested":
        this.#calls.add(event.toolCallId)
        break
      case "toolCallCompleted":
      case "toolCallInterrupted":
        this.#calls.delete(event.toolCallId)
        break
      case "waitOpened":
        this.#waits.set(event.waitId, event)
        break
      case "waitResolved":
        this.#waits.delete(event.waitId)
        break
      default:
        if (event.type === "stepStarted" || isTerminal(event)) this.#clear()
    }
  }

  /** The open waits of a run that can only wait, because each of its open calls does. Null if it works. */
  get waits(): readonly WaitOpened[] | null {
    if (this.#waits.size === 0) return null
    const waits = [...this.#waits.values()]
    const waiting = new Set(waits.map(({ toolCallId }) => toolCallId))
    return [...this.#calls].every((call) => waiting.has(call)) ? waits : null
  }

  #clear(): void {
    this.#calls.clear()
    this.#waits.clear()
  }
}

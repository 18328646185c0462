import type { RunnerEvent } from "../../../../core/runs/runner.ts"

/** Passes events of tools to the run's single stream of events. */
export interface Mailbox {
  /** Resolves once the event is durable. */
  post(event: RunnerEvent): Promise<void>
  /** Resolves when an event is available. */
  readonly posted: Promise<void>
  take(): { readonly event: RunnerEvent; readonly taken: () => void } | undefined
}

/** Creates a mailbox. It holds at most one event for each call in progress. */
export function createMailbox(): Mailbox {
  const letters: { readonly event: RunnerEvent; readonly taken: () => void }[] = []
  let arrival = Promise.withResolvers<void>()
  return {
    post(event) {
      const { promise, resolve: taken } = Promise.withResolvers<void>()
      letters.push({ event, taken })
      arrival.resolve()
      return promise
    },
    get posted() {
      return arrival.promise
    },
    take() {
      const letter = letters.shift()
      if (letters.length === 0) arrival = Promise.withResolvers()
      return letter
    },
  }
}

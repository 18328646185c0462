import type { RunnerEvent } from "../../core/runner.ts"

/** Events of tools, on their way into the run's one stream of events. */
export interface Mailbox {
  /** Resolves once the event is durable. */
  post(event: RunnerEvent): Promise<void>
  /** Resolves when there is something to take. */
  readonly posted: Promise<void>
  take(): { readonly event: RunnerEvent; readonly taken: () => void } | undefined
}

/** Holds at most one event for each call that is executed. */
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

import type { AcceptedAnswer } from "../store/session-log.ts"

/** The answers to a run's waits that are in its inbox. */
export interface Answers {
  /** Returns true if `take` would return an answer. */
  has(toolCallId: string): boolean
  /** Returns the answer to this call's wait, if there is one, and removes it. */
  take(toolCallId: string): Answer | null
  /** Reads the inbox again. Retries while the store is unavailable. Rejects with the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>
  /** Resolves when a new answer arrives, or when the signal is aborted. */
  arrival(signal: AbortSignal): Promise<void>
}

/** An answer with the id of its command. The commit that acts on the answer consumes the command. */
export type Answer = AcceptedAnswer & { readonly id: number }

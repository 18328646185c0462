import type { AcceptedAnswer } from "./session-log.ts"

/** The answers to a run's waits that are in its inbox. */
export interface Answers {
  /** Returns true if `take` would return an answer. */
  has(toolCallId: string): boolean
  /** The answer to this call's wait, if there is one; taken once. */
  take(toolCallId: string): Answer | null
  /** Looks into the inbox again. While the store is unavailable it keeps trying. Rejects with the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>
  /** Resolves when an answer comes that was not there before, and with the signal's abort. */
  arrival(signal: AbortSignal): Promise<void>
}

/** `id` is the command's, to be consumed by what acts on it. */
export type Answer = AcceptedAnswer & { readonly id: number }

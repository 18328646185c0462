import type { Message } from "../history/messages.ts"

/**
 * Called when a run has reached its maximum number of turns, before the run ends. If it returns a text, clients and
 * callers receive the text as the summary of the run. If it throws, or does not return within `callbackTimeoutMs`, the
 * error is logged, and the run ends without a summary. Called again if the process dies before the end is stored.
 */
export type OnMaxTurns = (
  report: MaxTurnsReport,
  options: { readonly signal: AbortSignal },
) => Summary | Promise<Summary>

// biome-ignore lint/suspicious/noConfusingVoidType: A function that only observes the run returns nothing.
type Summary = string | null | undefined | void

export interface MaxTurnsReport {
  readonly sessionId: string
  readonly runId: string
  readonly turnCount: number
  readonly maxTurns: number
  /** The conversation as the model would receive it. */
  readonly messages: readonly Message[]
}

/** Maximum number of characters of a summary. Longer ones are truncated. */
export const maxSummaryCharacters = 100_000

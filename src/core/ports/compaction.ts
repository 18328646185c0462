import type { Message, ModelPart } from "../messages.ts"
import type { ModelChoice, ModelRequest } from "./provider.ts"

/** Decides when the beginning of a conversation is replaced by a summary, and how the summary is made. */
export interface HistoryCompaction {
  /**
   * Returns what to do before the next request is sent; null to send it. Called again after each step, and before
   * each turn, so it must be fast for short conversations. A call that fails or takes too long counts as null.
   */
  next(history: CompactableHistory, options: { readonly signal: AbortSignal }): Promise<CompactionStep | null>
}

export interface CompactableHistory {
  /** The model that the request is for. */
  readonly choice: ModelChoice
  /** Returns the tokens of a model's context window; null if they are not known. */
  readonly contextWindowOf: (choice: ModelChoice) => number | null
  /** Estimated tokens of the whole request. */
  readonly requestTokens: number
  /** Estimated tokens of the request without its messages. */
  readonly fixedTokens: number
  /** Cap on the output tokens of the request. */
  readonly maxTokens: number
  /** If true, the provider refused the request as too long. */
  readonly isRefused: boolean
  /** The summary that stands for the messages before these; null if there is none. */
  readonly summary: string | null
  readonly messages: readonly Message[]
  /** Estimated tokens of one of the messages. */
  readonly tokensOf: (message: Message) => number
  /** Number of failed calls for a summary in this run since the last successful one. */
  readonly failures: number
}

export type CompactionStep =
  /** A model is asked for a summary of the first messages. */
  | {
      readonly type: "summarize"
      /** Number of messages that the summary replaces: some are kept, and of those the first is no tool message. */
      readonly count: number
      readonly choice: ModelChoice
      readonly request: ModelRequest
      /** Returns the summary that the response holds; null if it holds none. */
      readonly summaryOf: (content: readonly ModelPart[]) => string | null
    }
  /** Maximum bytes of a tool result. Longer results are truncated. */
  | { readonly type: "shorten"; readonly maxBytes: number }
  /** Ends the run, because the request cannot be made short enough. */
  | { readonly type: "refuse" }

import type { Message, ModelPart } from "../../history/messages.ts"
import type { ModelChoice, ModelRequest } from "./provider.ts"

/** Decides when a summary replaces the beginning of a conversation, and how the summary is made. */
export interface HistoryCompaction {
  /**
   * Returns the action before the next request is sent. Null sends the request. The gateway calls it again after each
   * action, and before each turn, so it must be fast for short conversations. A call that fails or takes too long
   * counts as null.
   */
  next(history: CompactableHistory, options: { readonly signal: AbortSignal }): Promise<CompactionStep | null>
}

export interface CompactableHistory {
  /** The model that the request is for. */
  readonly choice: ModelChoice
  /** Returns the tokens of a model's context window. Null if they are not known. */
  readonly contextWindowOf: (choice: ModelChoice) => number | null
  /** Estimated tokens of the whole request. */
  readonly requestTokens: number
  /** Estimated tokens of the request without its messages. */
  readonly fixedTokens: number
  /** Maximum output tokens of the request. */
  readonly maxTokens: number
  /** If true, the provider refused the request as too long. */
  readonly isRefused: boolean
  /** The summary that replaced the messages before these. Null if there is none. */
  readonly summary: ConversationSummary | null
  readonly messages: readonly Message[]
  /** Returns the estimated tokens of one of the messages. */
  readonly tokensOf: (message: Message) => number
  /** Number of failed requests for a summary in this run since the last successful one. */
  readonly failures: number
}

/** The text that replaces the beginning of a conversation. */
export interface ConversationSummary {
  /** The text that a model wrote. It may repeat texts of tools. */
  readonly text: string
  /** The user's latest message, word for word. Null if the messages after the summary have one. */
  readonly latestMessage: string | null
}

export type CompactionStep =
  /** Requests a summary of the first messages from a model. */
  | {
      readonly type: "summarize"
      /**
       * Number of messages that the summary replaces. At least one message is kept, and the first one kept is not a
       * tool message.
       */
      readonly count: number
      readonly choice: ModelChoice
      readonly request: ModelRequest
      /** Returns the summary in the response. Null if the response has none. */
      readonly summaryOf: (content: readonly ModelPart[]) => ConversationSummary | null
    }
  /** Maximum bytes of a tool result. Longer results are truncated. */
  | { readonly type: "shorten"; readonly maxBytes: number }
  /** Ends the run, because the request cannot be shortened enough. */
  | { readonly type: "refuse" }

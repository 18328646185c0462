import type { HistoryFingerprint } from "../history/history-fingerprint.ts"
import type { VendorData } from "../history/messages.ts"
import type { TaskState } from "../runs/background-task.ts"
import type { Cost, Spending } from "../usage.ts"

export type CompactionEvent = CompactionStarted | CompactionFailed | HistoryCompacted | ToolResultsShortened

/** Committed before the request for a summary, so that the call counts even if a crash interrupts it. */
export interface CompactionStarted {
  readonly type: "compactionStarted"
  readonly compactionId: string
  /** The model that receives the request. */
  readonly model: string
  /** Estimated tokens of the request. */
  readonly inputTokens: number
  /** Cost of the input tokens in US dollars. */
  readonly inputCost: Cost
}

/**
 * The request for a summary failed, or its response had no usable summary. The call may have cost something
 * nevertheless.
 */
export interface CompactionFailed extends SummaryCost {
  readonly type: "compactionFailed"
  readonly compactionId: string
  readonly code: string
  /** If true, the process released the session in an orderly way, such as during a deployment, and did not crash. */
  readonly stoppedInOrder?: boolean
}

/** From this event on, a summary replaces the older messages. The log keeps those messages. */
export interface HistoryCompacted extends SummaryCost {
  readonly type: "historyCompacted"
  readonly compactionId: string
  readonly summary: string
  /**
   * Index in `summary` at which the user's latest message starts, which the gateway has appended, word for word. Absent
   * if it has appended none, and in events of older versions.
   */
  readonly latestMessageFrom?: number
  /** Texts that accompany the summary, such as the instructions of loaded skills. */
  readonly notes: readonly string[]
  /** The same summary in a form that only its provider understands. */
  readonly vendor?: VendorData
  /** Sequence number of the event with the first message that is kept. */
  readonly keptFromSeq: number
  /** Position of that message among those of its event: 0 unless the event replaced the history. */
  readonly keptFromIndex: number
  /**
   * Fingerprint of all messages before the first kept one, in the form in which a client keeps them (rule 13,
   * client-owned messages).
   */
  readonly fingerprint: HistoryFingerprint
  /** The last turns of those messages, at most 100. Absent in events of older versions. */
  readonly formerTurns?: readonly HistoryFingerprint[]
  /** Estimated tokens of the next request, without and with the summary. */
  readonly tokensBefore: number
  readonly tokensAfter: number
  /** Spending of the session, including this summary, so that a fold can start here. */
  readonly spent: Spending
  /** Background tasks whose outcome the model had not received. Absent if there were none. */
  readonly tasks?: readonly TaskState[]
}

/** From this event on, longer tool results are truncated for the model. The log keeps the whole results. */
export interface ToolResultsShortened {
  readonly type: "toolResultsShortened"
  /** Maximum bytes of each result. */
  readonly maxBytes: number
  /** Estimated tokens of the request that was too long. */
  readonly tokensBefore: number
}

interface SummaryCost extends Spending {
  /** The model that received the request. */
  readonly model: string
  /** Amount that counts against a budget: the cost, or more if the transferred bytes indicate more. */
  readonly charged: Cost
  /** If true, the usage is the gateway's estimate. */
  readonly estimated: boolean
}

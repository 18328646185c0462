import type { TaskState } from "../background-task.ts"
import type { HistoryFingerprint } from "../history-fingerprint.ts"
import type { VendorData } from "../messages.ts"
import type { Cost, Spending } from "../usage.ts"

export type CompactionEvent = CompactionStarted | CompactionFailed | HistoryCompacted | ToolResultsShortened

/** Committed before a model is asked for a summary, so that a call that a crash interrupts is counted. */
export interface CompactionStarted {
  readonly type: "compactionStarted"
  readonly compactionId: string
  /** The model that is asked. */
  readonly model: string
  /** Estimate of the tokens that the request has. */
  readonly inputTokens: number
  /** US dollars that so many tokens cost. */
  readonly inputCost: Cost
}

/** The call for a summary gave none that can be used. It may have cost something all the same. */
export interface CompactionFailed extends SummaryCost {
  readonly type: "compactionFailed"
  readonly compactionId: string
  readonly code: string
  /** If true, the process gave its session back, as for a deployment: it did not crash. */
  readonly stoppedInOrder?: boolean
}

/** A summary stands for the older messages from now on. The log keeps them. */
export interface HistoryCompacted extends SummaryCost {
  readonly type: "historyCompacted"
  readonly compactionId: string
  readonly summary: string
  /** Texts that stand beside the summary, such as those of loaded skills. */
  readonly notes: readonly string[]
  /** The same summary in a form that only its provider understands. */
  readonly vendor?: VendorData
  /** Sequence number of the event that brought the first message that is kept. */
  readonly keptFromSeq: number
  /** Position of that message among those of its event: 0 unless the event replaced the history. */
  readonly keptFromIndex: number
  /** Describes all messages before the first kept one, as a client holds them (rule 13, client-owned messages). */
  readonly fingerprint: HistoryFingerprint
  /** Estimated tokens of the next request, without and with the summary. */
  readonly tokensBefore: number
  readonly tokensAfter: number
  /** Spending of the session, this summary included, so that a fold need not start at the log's beginning. */
  readonly spent: Spending
  /** Background tasks whose outcome the model had not received. Absent if there were none. */
  readonly tasks?: readonly TaskState[]
}

/** Longer results of tools among the messages are shown truncated from now on. The log keeps them. */
export interface ToolResultsShortened {
  readonly type: "toolResultsShortened"
  /** Bytes that are shown of each result. */
  readonly maxBytes: number
  /** Estimated tokens of the request that was too long. */
  readonly tokensBefore: number
}

interface SummaryCost extends Spending {
  /** The model that was asked. */
  readonly model: string
  /** Amount that counts against a budget: the cost, or more if the transferred bytes indicate more. */
  readonly charged: Cost
  /** If true, the usage is the gateway's estimate. */
  readonly estimated: boolean
}

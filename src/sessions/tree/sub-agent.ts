import type { LiveEntry } from "../../core/log/entries.ts"
import type { TaskProgress } from "./task-progress.ts"

/**
 * A run that works for a tool call, as viewers of the sessions above it are shown it. One object for each time that
 * it is shown.
 */
export interface SubAgent {
  readonly sessionId: string
  readonly runId: string
  readonly agent: string
  readonly parentSessionId: string
  /** The call that it works for. */
  readonly toolCallId: string
  /** If true, the session that is viewed made the call; if false, another sub-agent did. */
  readonly isDirect: boolean
  /**
   * The background task that it works for. Then only its waits and its end are shown. Null for a sub-agent that a call
   * waits for.
   */
  readonly taskId: string | null
  /** Everything after this sequence number is shown. */
  readonly afterSeq: number
}

/**
 * Entries of a session below the one that is viewed. The first batch of a sub-agent has none: the sub-agent is shown
 * from there on.
 */
export interface SubAgentBatch {
  readonly subAgent: SubAgent
  readonly entries: readonly LiveEntry[]
}

/** Entries of the session that is viewed, or of one below it, or the progress of one of its background tasks. */
export type TreeBatch = readonly LiveEntry[] | SubAgentBatch | ProgressBatch

export interface ProgressBatch {
  readonly progress: TaskProgress
}

export function isOfSubAgent(batch: TreeBatch): batch is SubAgentBatch {
  return "subAgent" in batch
}

export function isProgress(batch: TreeBatch): batch is ProgressBatch {
  return "progress" in batch
}

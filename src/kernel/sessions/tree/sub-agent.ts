import type { LiveEntry } from "../../../core/log/entries.ts"
import type { TaskProgress } from "./task-progress.ts"

/**
 * A run that works for a tool call, as viewers of its ancestor sessions see it. Each showing of the run has its own
 * object.
 */
export interface SubAgent {
  readonly sessionId: string
  readonly runId: string
  /** The name that people see: the role that its agent plays, or otherwise the agent. */
  readonly name: string
  readonly parentSessionId: string
  /** The call that it works for. */
  readonly toolCallId: string
  /** If true, the viewed session made the call. If false, another sub-agent made it. */
  readonly isDirect: boolean
  /**
   * The background task that it works for. In that case, only its waits and its end are shown. Null for a sub-agent
   * that a call waits for.
   */
  readonly taskId: string | null
  /**
   * If true, the call was made during the view, and all entries are shown. If false, the entries from the last turn on
   * are shown.
   */
  readonly isNew: boolean
  /** The view shows everything after this sequence number. */
  readonly afterSeq: number
  /** Number of the first shown turn, from 1. */
  readonly turn: number
  /** Time at which its session was created, in milliseconds since the Unix epoch. */
  readonly startedAt: number
}

/**
 * Entries of a descendant of the viewed session. The first batch of a sub-agent is empty: it starts the sub-agent's
 * view.
 */
export interface SubAgentBatch {
  readonly subAgent: SubAgent
  readonly entries: readonly LiveEntry[]
}

/** Entries of the viewed session or of a session below it, or the progress of one of its background tasks. */
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

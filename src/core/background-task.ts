import type { ChildOutcome } from "./child.ts"

/**
 * A run of a sub-agent that no call waits for. Its id is that of the run, and tells it from the runs that a call waits
 * for.
 */
export interface BackgroundTask {
  readonly taskId: string
  /** The call that started it. */
  readonly toolCallId: string
  /** Name of the sub-agent: a role or an agent. */
  readonly name: string
  /** The first characters of the task. */
  readonly description: string
  /** The agent and the session that work on it. */
  readonly agent: string
  readonly sessionId: string
  /** US dollars that it may use of the budget of the run that started it; null if there is no budget. */
  readonly reservedUsd: number | null
  /** If true, its end is a message to the session: it joins the open run, or starts one. */
  readonly announce: boolean
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
}

/** A task as the log of its session tells it. */
export interface TaskState extends BackgroundTask {
  /** The run that started it. */
  readonly runId: string
  /** Null unless the task has ended and the model has not received the outcome. */
  readonly outcome: ChildOutcome | null
  /** `collected` once the model has received the outcome. */
  readonly state: "running" | "ended" | "collected"
}

/** Returns true for a run that no call waits for. */
export function isTaskId(runId: string): boolean {
  return runId.startsWith("task_")
}

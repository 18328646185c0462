import type { ChildOutcome } from "./child.ts"
import type { RunChain } from "./run-chain.ts"

/**
 * A run of a sub-agent that no call waits for. The task has the id of the run. Its prefix distinguishes the task from
 * a run that a call waits for.
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
  /** If true, the end of the task becomes a message to the session: it joins the open run, or starts a new one. */
  readonly announce: boolean
  /**
   * Maximum number of runs that announcements start in the chain of the run that started it. Default 8. Absent in
   * tasks of older versions.
   */
  readonly maxAnnouncedRuns?: number
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Time at which the gateway cancels the task. Absent in tasks of older versions. */
  readonly timeLimitAt?: number
}

/** A task as the log of its session records it. */
export interface TaskState extends BackgroundTask {
  /** The run that started it. */
  readonly runId: string
  /** The chain of that run, with what it has used so far. Absent in tasks of older versions. */
  readonly chain?: RunChain
  /** Null unless the task has ended and the model has not received the outcome. */
  readonly outcome: ChildOutcome | null
  /** `collected` once the model has received the outcome. */
  readonly state: "running" | "ended" | "collected"
  /**
   * If true, the run that started it was superseded. The task is canceled and the model does not know it, but its cost
   * still counts.
   */
  readonly isSuperseded?: true
}

/** Returns the id of the run that announces the end of a task, unless the announcement joins another run. */
export function toAnnouncedRunId(taskId: string): string {
  return `run_${taskId}`
}

/** Returns true if the run was started by the announcement of a background task, and not by a message. */
export function isAnnouncedRun(runId: string): boolean {
  return findAnnouncedTask(runId) !== null
}

/** Returns the id of the task that the run announces. Null for a run that a message started. */
export function findAnnouncedTask(runId: string): string | null {
  const prefix = toAnnouncedRunId("")
  const taskId = runId.slice(prefix.length)
  return runId.startsWith(prefix) && isTaskId(taskId) ? taskId : null
}

/** Returns true if the id belongs to a background task, which no call waits for. */
export function isTaskId(runId: string): boolean {
  return runId.startsWith("task_")
}

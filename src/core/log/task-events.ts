import type { BackgroundTask } from "../background-task.ts"
import type { ChildOutcome } from "../child.ts"

export type TaskEvent = TaskRegistered | TaskEnded | TasksCollected

/** A call started a background task, in the commit that has its sub-agent started. */
export interface TaskRegistered extends BackgroundTask {
  readonly type: "taskRegistered"
}

/** A session event: a background task has ended. */
export interface TaskEnded {
  readonly type: "taskEnded"
  readonly taskId: string
  /** Name of the sub-agent. */
  readonly name: string
  /** The call that started the task. */
  readonly toolCallId: string
  readonly outcome: ChildOutcome
}

/** A call gives the model the outcomes of these tasks, in the commit of its result. */
export interface TasksCollected {
  readonly type: "tasksCollected"
  readonly toolCallId: string
  readonly taskIds: readonly string[]
}

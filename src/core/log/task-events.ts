import type { BackgroundTask } from "../runs/background-task.ts"
import type { ChildOutcome } from "../runs/child.ts"

export type TaskEvent = TaskRegistered | TaskEnded | TasksCollected

/** A call started a background task. The same commit requests the start of its sub-agent. */
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

/** A call returns the outcomes of these tasks to the model. The event is in the commit of the result. */
export interface TasksCollected {
  readonly type: "tasksCollected"
  readonly toolCallId: string
  readonly taskIds: readonly string[]
}

import type { TaskEnded, TaskRegistered } from "../../core/log/task-events.ts"
import type { TaskState } from "../../core/runs/background-task.ts"
import type { ChildOutcome } from "../../core/runs/child.ts"

/**
 * Maximum number of collected tasks to remember, so that a model that asks again learns that the task was collected.
 */
const maxCollected = 100

/** The background tasks of a session as plain data. */
export interface TasksState {
  readonly tasks: readonly TaskState[]
  readonly early: readonly (readonly [string, ChildOutcome])[]
}

/** The background tasks of a session, folded from its log. */
export class Tasks {
  readonly #tasks = new Map<string, TaskState>()
  /** Outcomes of tasks that started before the fold, until `restore` adds those tasks. */
  readonly #early = new Map<string, ChildOutcome>()

  /** Returns all remembered tasks, oldest first. */
  all(): readonly TaskState[] {
    return [...this.#tasks.values()]
  }

  find(taskId: string): TaskState | null {
    return this.#tasks.get(taskId) ?? null
  }

  /** Returns the tasks whose outcome the model has not received. */
  open(): readonly TaskState[] {
    return this.all().filter(({ state }) => state !== "collected")
  }

  running(): readonly TaskState[] {
    return this.all().filter(({ state }) => state === "running")
  }

  capture(): TasksState {
    return { tasks: this.all(), early: [...this.#early] }
  }

  reset({ tasks, early }: TasksState): void {
    this.#tasks.clear()
    this.#early.clear()
    for (const task of tasks) this.#tasks.set(task.taskId, task)
    for (const [taskId, outcome] of early) this.#early.set(taskId, outcome)
  }

  register({ type: _, ...task }: TaskRegistered, runId: string): void {
    const began = { runId, outcome: null, state: "running" } as const
    this.#tasks.set(task.taskId, { ...task, ...began })
  }

  /** Returns the task as it was before. Null if it was not running. */
  end({ taskId, outcome }: TaskEnded): TaskState | null {
    const task = this.#tasks.get(taskId)
    if (task === undefined) this.#early.set(taskId, outcome)
    if (task?.state !== "running") return null
    this.#tasks.set(taskId, { ...task, outcome, state: "ended" })
    return task
  }

  collect(taskIds: readonly string[]): void {
    for (const taskId of taskIds) {
      const task = this.#tasks.get(taskId)
      if (task === undefined) continue
      // The task moves to the end, so that the task collected first is forgotten first.
      this.#tasks.delete(taskId)
      this.#tasks.set(taskId, { ...task, outcome: null, state: "collected" })
    }
    const collected = this.all().filter(({ state }) => state === "collected")
    for (const { taskId } of collected.slice(0, -maxCollected)) this.#tasks.delete(taskId)
  }

  /** Replaces all tasks. If the end of a task was logged after the list was made, the task stays ended. */
  restore(tasks: readonly TaskState[]): void {
    const known = new Map(this.#tasks)
    this.#tasks.clear()
    for (const task of tasks) {
      const outcome = known.get(task.taskId)?.outcome ?? this.#early.get(task.taskId) ?? task.outcome
      const state = outcome === null ? task.state : "ended"
      this.#tasks.set(task.taskId, { ...task, outcome, state })
    }
    this.#early.clear()
  }
}

/**
 * Returns the text that names the open tasks to the model. It is not part of the conversation. Each model call has
 * the text for its moment.
 */
export function writeTaskReminder(tasks: readonly TaskState[]): string | null {
  if (tasks.length === 0) return null
  const lines = tasks.map(({ taskId, name, description, state, outcome }) => {
    const how =
      state === "running"
        ? "is running"
        : `has ended (${outcome?.outcome ?? "unknown"}) and waits to be collected`
    return `- ${taskId} (${name}) ${how}. Task: ${JSON.stringify(description)}`
  })
  return [
    "[Note of the gateway, not of the user: your background tasks.",
    ...lines,
    "Collect the result of a task that has ended with get_background_result.]",
  ].join("\n")
}

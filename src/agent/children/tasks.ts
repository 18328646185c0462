import type { TaskState } from "../../core/background-task.ts"
import type { ChildOutcome } from "../../core/child.ts"
import type { TaskEnded, TaskRegistered } from "../../core/log/task-events.ts"

/** Collected tasks that are remembered, so that a model that asks again is not told that there was none. */
const maxCollected = 100

/** The background tasks of a session, folded from its log. */
export class Tasks {
  readonly #tasks = new Map<string, TaskState>()
  /** Outcomes of tasks that started before the beginning of the fold, until `restore` brings them. */
  readonly #early = new Map<string, ChildOutcome>()

  /** All tasks that are remembered, oldest first. */
  all(): readonly TaskState[] {
    return [...this.#tasks.values()]
  }

  find(taskId: string): TaskState | null {
    return this.#tasks.get(taskId) ?? null
  }

  /** Tasks whose outcome the model has not received. */
  open(): readonly TaskState[] {
    return this.all().filter(({ state }) => state !== "collected")
  }

  running(): readonly TaskState[] {
    return this.all().filter(({ state }) => state === "running")
  }

  register({ type: _, ...task }: TaskRegistered, runId: string): void {
    const began = { runId, outcome: null, state: "running" } as const
    this.#tasks.set(task.taskId, { ...task, ...began })
  }

  /** Returns the task as it was before, or null if it was not running. */
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
      // Moved behind the others, so that the one that was collected first is forgotten first.
      this.#tasks.delete(taskId)
      this.#tasks.set(taskId, { ...task, outcome: null, state: "collected" })
    }
    const collected = this.all().filter(({ state }) => state === "collected")
    for (const { taskId } of collected.slice(0, -maxCollected)) this.#tasks.delete(taskId)
  }

  /**
   * Puts these in the place of all. A task whose end was logged just before, when the list was made already, stays
   * ended.
   */
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
 * Returns the text that names the open tasks to the model. It is no part of the conversation: each model call is shown
 * the tasks of that moment.
 */
export function taskReminder(tasks: readonly TaskState[]): string | null {
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

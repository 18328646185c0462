import type { BackgroundTask } from "../../core/background-task.ts"
import type { ChildOutcome } from "../../core/child.ts"
import type { Event } from "../../core/log/entries.ts"
import type { Session } from "../../core/ports/session-log.ts"
import { page, type ReadQueue } from "../reading/read-queue.ts"

/** Maximum number of listed tasks of one session. The newest ones are listed. */
const maxListed = 200

/** A background task as the log of its session records it. */
export interface ListedTask extends BackgroundTask {
  /** The run that started it. */
  readonly runId: string
  /** Null while the task is running. */
  readonly outcome: ChildOutcome | null
  /** If true, the model has received the outcome. */
  readonly isCollected: boolean
}

/** Resolves to the newest background tasks of a session, oldest first. Ends early when the signal aborts. */
export async function listTasks(
  reads: ReadQueue,
  session: Session,
  signal: AbortSignal,
): Promise<readonly ListedTask[]> {
  const tasks = new Map<string, ListedTask>()
  let afterSeq = 0
  while (afterSeq < session.lastSeq) {
    const options = { ...page, afterSeq, deltas: false, replacedHistories: false }
    const entries = await reads.read({ principal: session, signal }, session.id, options)
    const last = entries?.at(-1)
    if (entries === null || last === undefined) break
    for (const entry of entries) if (entry.kind === "event") apply(tasks, entry.event, entry.runId ?? "")
    afterSeq = last.seq
  }
  return [...tasks.values()].slice(-maxListed)
}

function apply(tasks: Map<string, ListedTask>, event: Event, runId: string): void {
  const change = (taskId: string, changes: Partial<ListedTask>) => {
    const task = tasks.get(taskId)
    if (task !== undefined) tasks.set(taskId, { ...task, ...changes })
  }
  switch (event.type) {
    case "taskRegistered": {
      const { type: _, ...task } = event
      tasks.set(task.taskId, { ...task, runId, outcome: null, isCollected: false })
      const [oldest] = tasks.keys()
      if (tasks.size > maxListed && oldest !== undefined) tasks.delete(oldest)
      break
    }
    case "taskEnded":
      change(event.taskId, { outcome: event.outcome })
      break
    case "tasksCollected":
      for (const taskId of event.taskIds) change(taskId, { isCollected: true })
      break
    default:
  }
}

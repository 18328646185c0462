import type { Event } from "../../../core/log/entries.ts"
import { commandKind, type Outbox } from "../../../core/ports/store/outbox.ts"
import type { Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { BackgroundTask } from "../../../core/runs/background-task.ts"
import type { ChildOutcome } from "../../../core/runs/child.ts"
import { toAnnouncementId } from "../../agent/children/announcement.ts"
import { page, type ReadQueue } from "../reading/read-queue.ts"

/** Maximum number of listed tasks of one session. The newest ones are listed. */
const maxListed = 200
/** Maximum number of rows to read. A session cannot have that many open tasks in the outbox. */
const maxRows = 1_000

/** A background task as the log of its session records it. */
export interface ListedTask extends BackgroundTask {
  /** The run that started it. */
  readonly runId: string
  /** Null while the task is running. */
  readonly outcome: ChildOutcome | null
  /** If true, the model has received the outcome. */
  readonly isCollected: boolean
}

export interface TaskParts {
  readonly log: Pick<SessionLog, "taskStart">
  readonly reads: ReadQueue
}

/**
 * Resolves to the newest background tasks of a session, oldest first. Reads only the events of these tasks, so the
 * length of the log does not matter. Ends early once the signal aborts.
 */
export async function listTasks(
  { log, reads }: TaskParts,
  session: Session,
  signal: AbortSignal,
): Promise<readonly ListedTask[]> {
  const tasks = new Map<string, ListedTask>()
  const start = await log.taskStart(session.id, maxListed)
  if (start === 0) return []
  let afterSeq = start - 1
  for (;;) {
    const options = { ...page, afterSeq, tasksOnly: true }
    const entries = await reads.read({ principal: session, signal }, session.id, options)
    const last = entries?.at(-1)
    if (entries === null || last === undefined) break
    for (const entry of entries) if (entry.kind === "event") apply(tasks, entry.event, entry.runId ?? "")
    afterSeq = last.seq
  }
  return [...tasks.values()]
}

export interface TaskWorkParts {
  readonly tasks: (sessionId: string, signal: AbortSignal) => Promise<readonly ListedTask[]>
  readonly outbox: Pick<Outbox, "rows">
}

/** Resolves to true while a background task of the session runs, and while a message with its end is on its way. */
export async function hasTaskWork(
  { tasks, outbox }: TaskWorkParts,
  sessionId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const listed = await tasks(sessionId, signal)
  if (listed.some(({ outcome }) => outcome === null)) return true
  if (!listed.some(({ announce }) => announce)) return false
  const rows = await outbox.rows({ sessionId, kind: commandKind, state: "waiting", limit: maxRows })
  const ids = new Set(listed.map(({ taskId }) => toAnnouncementId(taskId)))
  return rows.some(({ id }) => ids.has(id))
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

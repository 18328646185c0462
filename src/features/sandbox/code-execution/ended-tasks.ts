import type { BackgroundTask, BackgroundTasksOptions, TaskProblem, TaskStatus } from "./background-tasks.ts"
import type { CodeRecord } from "./code-record.ts"

/** The part of a task that is kept after its end. */
export interface EndedTask {
  readonly id: string
  readonly record: CodeRecord
  readonly status: Exclude<TaskStatus, "running">
  readonly problem: TaskProblem | null
}

/**
 * Tasks that have ended, bounded by number, memory and time. If a bound is exceeded, the task that ended first is
 * forgotten.
 */
export interface EndedTasks {
  add(sessionId: string, task: EndedTask): void
  find(sessionId: string, taskId: string): BackgroundTask | undefined
  sessions(): ReadonlySet<string>
  forgetOld(): void
  forgetSession(sessionId: string): void
}

const maxTasksPerSession = 20
const keptMs = 60 * 60 * 1_000
const defaultMaxBytes = 64 * 1024 * 1024
const defaultMaxBytesPerSession = 16 * 1024 * 1024

interface Remembered {
  readonly sessionId: string
  readonly task: BackgroundTask
  readonly bytes: number
  readonly endedAt: number
}

export function createEndedTasks({
  maxEndedBytes = defaultMaxBytes,
  maxEndedBytesPerSession = defaultMaxBytesPerSession,
  clock,
}: Pick<BackgroundTasksOptions, "maxEndedBytes" | "maxEndedBytesPerSession" | "clock">): EndedTasks {
  /** Ended tasks by task id, in the order in which they ended. */
  const ended = new Map<string, Remembered>()
  const findBySession = (sessionId: string) => [...ended].filter(([, task]) => task.sessionId === sessionId)

  function forgetBeyondSession(sessionId: string): void {
    const newestFirst = findBySession(sessionId).reverse()
    let bytes = 0
    newestFirst.forEach(([id, task], index) => {
      bytes += task.bytes
      const isBeyond = index >= maxTasksPerSession || (index > 0 && bytes > maxEndedBytesPerSession)
      if (isBeyond) ended.delete(id)
    })
  }

  function forgetBeyondProcess(): void {
    let bytes = 0
    for (const task of ended.values()) bytes += task.bytes
    for (const [id, task] of ended) {
      if (bytes <= maxEndedBytes) return
      ended.delete(id)
      bytes -= task.bytes
    }
  }

  return {
    add(sessionId, { id, record, status, problem }) {
      const task: BackgroundTask = {
        id,
        record,
        status: () => status,
        problem: () => problem,
        cancel: async () => {},
      }
      ended.set(id, { sessionId, task, bytes: record.size(), endedAt: clock.now() })
      forgetBeyondSession(sessionId)
      forgetBeyondProcess()
    },
    find(sessionId, taskId) {
      const found = ended.get(taskId)
      return found?.sessionId === sessionId ? found.task : undefined
    },
    sessions: () => new Set([...ended.values()].map(({ sessionId }) => sessionId)),
    forgetOld() {
      const oldest = clock.now() - keptMs
      for (const [id, { endedAt }] of ended) if (endedAt <= oldest) ended.delete(id)
    },
    forgetSession(sessionId) {
      for (const [id] of findBySession(sessionId)) ended.delete(id)
    },
  }
}

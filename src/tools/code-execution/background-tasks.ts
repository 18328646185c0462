import { randomUUID } from "node:crypto"
import { GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { CodeRun } from "./run-code.ts"

export interface BackgroundTask {
  readonly id: string
  readonly run: CodeRun
  status(): TaskStatus
  /** Why it failed; null if it did not. */
  problem(): TaskProblem | null
  /** Resolves once nothing of it runs any more. */
  cancel(): Promise<void>
}

export interface TaskProblem {
  readonly code: string
  readonly message: string
}

export type TaskStatus = "running" | "finished" | "cancelled" | "failed"

export interface BackgroundTasks {
  /** Throws a `GatewayError` (`too_many_background_tasks`) when the session has as many as it may. */
  start(sessionId: string, begin: (signal: AbortSignal) => CodeRun): BackgroundTask
  /** Of this session alone; undefined if there is none, or it was forgotten. */
  find(sessionId: string, taskId: string): BackgroundTask | undefined
  /** Ends all. */
  close(): Promise<void>
}

/** Ended tasks of one session that are remembered. */
const maxEnded = 20
/** Memory of the ended tasks of all sessions together. */
const defaultMaxEndedBytes = 64 * 1024 * 1024

/** Executions that go on after their call has answered. They belong to this process, and end with it. */
export function createBackgroundTasks({
  maxRunning,
  maxEndedBytes = defaultMaxEndedBytes,
  logger,
}: {
  readonly maxRunning: number
  /** Past it, those that ended first are forgotten. Default 64 MiB. */
  readonly maxEndedBytes?: number
  readonly logger: Logger
}): BackgroundTasks {
  const bySession = new Map<string, Map<string, BackgroundTask>>()
  /** In the order of their ends. */
  const ended = new Map<string, { readonly sessionId: string; readonly bytes: number }>()
  let endedBytes = 0

  function remember(sessionId: string, { id, run }: BackgroundTask): void {
    const bytes = run.size()
    ended.set(id, { sessionId, bytes })
    endedBytes += bytes
    const ofSession = [...ended].filter(([, other]) => other.sessionId === sessionId)
    for (const [oldest] of ofSession.slice(0, Math.max(0, ofSession.length - maxEnded))) forget(oldest)
    for (const oldest of ended.keys()) {
      if (endedBytes <= maxEndedBytes) return
      forget(oldest)
    }
  }

  function forget(id: string): void {
    const { sessionId = "", bytes = 0 } = ended.get(id) ?? {}
    ended.delete(id)
    endedBytes -= bytes
    const tasks = bySession.get(sessionId)
    tasks?.delete(id)
    if (tasks?.size === 0) bySession.delete(sessionId)
  }

  function start(sessionId: string, begin: (signal: AbortSignal) => CodeRun): BackgroundTask {
    const tasks = bySession.get(sessionId) ?? new Map<string, BackgroundTask>()
    const running = [...tasks.values()].filter((task) => task.status() === "running")
    if (running.length >= maxRunning) {
      throw new GatewayError(
        { code: "too_many_background_tasks", status: 409 },
        `${maxRunning} background tasks are running: ${running.map(({ id }) => id).join(", ")}. Cancel one, or wait.`,
      )
    }
    const task = createTask(begin, logger, () => remember(sessionId, task))
    tasks.set(task.id, task)
    bySession.set(sessionId, tasks)
    return task
  }

  return {
    start,
    find: (sessionId, taskId) => bySession.get(sessionId)?.get(taskId),
    async close() {
      const tasks = [...bySession.values()].flatMap((ofSession) => [...ofSession.values()])
      await Promise.all(tasks.map((task) => task.cancel()))
    },
  }
}

function createTask(
  begin: (signal: AbortSignal) => CodeRun,
  logger: Logger,
  onEnd: () => void,
): BackgroundTask {
  const stopping = new AbortController()
  const id = `task_${randomUUID()}`
  const run = begin(stopping.signal)
  let status: TaskStatus = "running"
  let problem: TaskProblem | null = null
  const settled = run.ended
    .then(
      () => {
        status = "finished"
      },
      (error: unknown) => {
        status = stopping.signal.aborted ? "cancelled" : "failed"
        if (status === "cancelled") return
        problem = problemOf(error)
        logger.warn({ error: toError(error), task: id }, "a background task failed")
      },
    )
    .then(onEnd)
  return {
    id,
    run,
    status: () => status,
    problem: () => problem,
    async cancel() {
      stopping.abort(new Error("The task was cancelled."))
      await settled
    },
  }
}

function problemOf(error: unknown): TaskProblem {
  if (error instanceof GatewayError) return { code: error.code, message: error.message }
  return { code: "tool_failed", message: "The code could not be run." }
}

import { randomUUID } from "node:crypto"
import { GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { CodeRun } from "./run-code.ts"

export interface BackgroundTask {
  readonly id: string
  readonly run: CodeRun
  status(): TaskStatus
  /** Resolves once nothing of it runs any more. */
  cancel(): Promise<void>
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

/** Executions that go on after their call has answered. They belong to this process, and end with it. */
export function createBackgroundTasks({
  maxRunning,
  logger,
}: {
  readonly maxRunning: number
  readonly logger: Logger
}): BackgroundTasks {
  const bySession = new Map<string, Map<string, BackgroundTask>>()

  function start(sessionId: string, begin: (signal: AbortSignal) => CodeRun): BackgroundTask {
    const tasks = bySession.get(sessionId) ?? new Map<string, BackgroundTask>()
    const running = [...tasks.values()].filter((task) => task.status() === "running")
    if (running.length >= maxRunning) {
      throw new GatewayError(
        { code: "too_many_background_tasks", status: 409 },
        `${maxRunning} background tasks are running: ${running.map(({ id }) => id).join(", ")}. Cancel one, or wait.`,
      )
    }
    const task = createTask(begin, logger)
    tasks.set(task.id, task)
    bySession.set(sessionId, tasks)
    const ended = [...tasks.values()].filter((other) => other.status() !== "running")
    for (const { id } of ended.slice(0, Math.max(0, ended.length - maxEnded))) tasks.delete(id)
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

function createTask(begin: (signal: AbortSignal) => CodeRun, logger: Logger): BackgroundTask {
  const stopping = new AbortController()
  const id = `task_${randomUUID()}`
  const run = begin(stopping.signal)
  let status: TaskStatus = "running"
  const settled = run.ended.then(
    () => {
      status = "finished"
    },
    (error: unknown) => {
      status = stopping.signal.aborted ? "cancelled" : "failed"
      if (status === "failed") logger.warn({ error: toError(error), task: id }, "a background task failed")
    },
  )
  return {
    id,
    run,
    status: () => status,
    async cancel() {
      stopping.abort(new Error("The task was cancelled."))
      await settled
    },
  }
}

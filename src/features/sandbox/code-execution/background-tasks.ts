import { randomUUID } from "node:crypto"
import { GatewayError, toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Clock } from "../../../core/time/clock.ts"
import type { CodeRecord } from "./code-record.ts"
import { createEndedTasks, type EndedTask } from "./ended-tasks.ts"
import type { CodeRun } from "./run-code.ts"

export interface BackgroundTask {
  readonly id: string
  /** The output and the outcome so far. */
  readonly record: CodeRecord
  status(): TaskStatus
  /** Null unless the task failed. */
  problem(): TaskProblem | null
  /** Cancels the task. Resolves when none of its processes runs any more. */
  cancel(): Promise<void>
}

export interface TaskProblem {
  readonly code: string
  readonly message: string
}

export type TaskStatus = "running" | "finished" | "cancelled" | "failed"

export interface BackgroundTasks {
  /** Starts a task. Throws a `GatewayError` (`too_many_background_tasks`) if the session has the maximum number. */
  start(sessionId: string, begin: (signal: AbortSignal) => CodeRun): BackgroundTask
  /** Finds a task of this session only. Returns undefined if there is none, or if it was forgotten. */
  find(sessionId: string, taskId: string): BackgroundTask | undefined
  /** Forgets tasks that ended long ago. Cancels and forgets all tasks of removed sessions. */
  forget(isKept: (sessionId: string) => Promise<boolean>): Promise<void>
  /** Cancels all running tasks. */
  close(): Promise<void>
}

export interface BackgroundTasksOptions {
  /** Maximum number of running tasks of one session. */
  readonly maxRunning: number
  /** Maximum memory of the ended tasks of all sessions together. Default 64 MiB. */
  readonly maxEndedBytes?: number
  /** Maximum memory of the ended tasks of one session. The last one is kept even if it is larger. Default 16 MiB. */
  readonly maxEndedBytesPerSession?: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Manages executions that continue after their call has returned. They belong to this process, and end with it. */
export function createBackgroundTasks(options: BackgroundTasksOptions): BackgroundTasks {
  const { maxRunning, logger } = options
  const running = new Map<string, Map<string, RunningTask>>()
  const ended = createEndedTasks(options)

  function start(sessionId: string, begin: (signal: AbortSignal) => CodeRun): BackgroundTask {
    const tasks = running.get(sessionId) ?? new Map<string, RunningTask>()
    if (tasks.size >= maxRunning) {
      throw new GatewayError(
        { code: "too_many_background_tasks", status: 409 },
        `${maxRunning} background tasks are running: ${[...tasks.keys()].join(", ")}. Cancel one, or wait until one ends.`,
      )
    }
    const task = startTask(begin)
    tasks.set(task.id, task)
    running.set(sessionId, tasks)
    void task.settled.then((end) => {
      tasks.delete(task.id)
      if (tasks.size === 0) running.delete(sessionId)
      ended.add(sessionId, end)
      if (end.error !== null)
        logger.warn({ error: end.error, task: task.id, sessionId }, "A background task failed.")
    })
    return task
  }

  async function cancelAll(sessionId: string): Promise<void> {
    await Promise.all([...(running.get(sessionId)?.values() ?? [])].map((task) => task.cancel()))
  }

  return {
    start,
    find: (sessionId, taskId) => running.get(sessionId)?.get(taskId) ?? ended.find(sessionId, taskId),
    async forget(isKept) {
      ended.forgetOld()
      for (const sessionId of new Set([...running.keys(), ...ended.sessions()])) {
        if (await isKept(sessionId)) continue
        await cancelAll(sessionId)
        ended.forgetSession(sessionId)
      }
    },
    async close() {
      await Promise.all([...running.keys()].map(cancelAll))
    },
  }
}

interface RunningTask extends BackgroundTask {
  readonly settled: Promise<TaskEnd>
}

interface TaskEnd extends EndedTask {
  /** Error for the log. Null unless the task failed. */
  readonly error: Error | null
}

function startTask(begin: (signal: AbortSignal) => CodeRun): RunningTask {
  const stopping = new AbortController()
  const id = `task_${randomUUID()}`
  const { ended, record } = begin(stopping.signal)
  const end = (status: TaskEnd["status"], error: Error | null): TaskEnd => {
    const problem = error === null ? null : toProblem(error)
    return { id, record, status, problem, error }
  }
  let outcome: TaskEnd | null = null
  const settled = ended
    .then(
      () => end("finished", null),
      (error: unknown) => (stopping.signal.aborted ? end("cancelled", null) : end("failed", toError(error))),
    )
    .then((reached) => {
      outcome = reached
      return reached
    })
  return {
    id,
    record,
    settled,
    status: () => outcome?.status ?? "running",
    problem: () => outcome?.problem ?? null,
    async cancel() {
      stopping.abort(new Error("The task was cancelled."))
      await settled
    },
  }
}

function toProblem(error: Error): TaskProblem {
  if (error instanceof GatewayError) return { code: error.code, message: error.message }
  return { code: "tool_failed", message: "The code could not be run." }
}

import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { toAnnouncedRunId } from "../../core/runs/background-task.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { cancelRun } from "./cancel-run.ts"

export interface EndTasksParts {
  readonly sessions: Pick<Sessions, "tasks" | "hasTaskWork" | "run" | "cancel">
  readonly logger: Logger
}

export interface EndTasksOptions {
  /** Milliseconds after which the tasks are canceled. */
  readonly waitMs: number
  /** Cancels the tasks on abort. */
  readonly signal: AbortSignal
  /** Answers the open waits of the tasks. */
  readonly answerWaits: () => Promise<void>
}

interface EndedRun {
  readonly sessionId: string
  readonly runId: string
}

/** Work that goes on after its run. */
interface Work extends EndedRun {
  /** Name of the sub-agent. Null for a run that announces the end of a task. */
  readonly name: string | null
}

const pollMs = 100
/** Milliseconds that canceled tasks have to stop. */
const stopMs = 5_000

/**
 * Waits for the background tasks of an ended run, and for the runs that announce them. Cancels what still runs after
 * `waitMs`. Resolves to the names of the sub-agents that were canceled.
 */
export async function endTasks(
  parts: EndTasksParts,
  run: EndedRun,
  { waitMs, signal, answerWaits }: EndTasksOptions,
): Promise<readonly string[]> {
  const failed = new AbortController()
  let isAnswering = false
  /** Answers open waits. Does nothing while the previous answers are under way, which may take as long as a person. */
  const answer = async () => {
    if (isAnswering) return
    isAnswering = true
    try {
      await answerWaits()
    } catch (error) {
      parts.logger.error({ error, ...run }, "An answer for a background task failed. The task is canceled.")
      failed.abort()
    }
    isAnswering = false
  }
  const find = async () => {
    const work = await findWork(parts, run)
    if (work.length > 0) void answer()
    return work
  }
  const left = await waitForEnd(find, { waitMs, signal: AbortSignal.any([signal, failed.signal]) })
  if (left.length === 0) return []
  const stop = new AbortController().signal
  // A task that is about to start cannot be canceled yet, so the cancel is repeated.
  const cancelAll = async () => {
    const work = await findWork(parts, run)
    for (const each of work) await cancelRun(parts, each, stop)
    return work
  }
  await waitForEnd(cancelAll, { waitMs: stopMs, signal: stop })
  const names = left.flatMap(({ name }) => (name === null ? [] : [name]))
  parts.logger.warn({ ...run, tasks: names }, "Background tasks were canceled after the end of their run.")
  return names
}

/** Looks for work until there is none, and resolves to the work of the last look. */
async function waitForEnd(
  find: () => Promise<readonly Work[]>,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<readonly Work[]> {
  const ends = performance.now() + waitMs
  let work: readonly Work[] = []
  for (;;) {
    try {
      work = await find()
      if (work.length === 0) return work
    } catch (error) {
      // The run has ended, so an outage of the store must not cost its result.
      if (!(error instanceof GatewayError) || error.code !== "store_unavailable") throw error
    }
    if (signal.aborted || performance.now() >= ends) return work
    await sleep(Math.max(1, Math.min(pollMs, ends - performance.now())), signal)
  }
}

async function findWork(
  { sessions }: EndTasksParts,
  { sessionId, runId }: EndedRun,
): Promise<readonly Work[]> {
  const { signal } = new AbortController()
  const tasks = await sessions.tasks(sessionId, { signal })
  /** The run, and the runs that announce its tasks, whose own tasks belong to it too. */
  const runIds = new Set([runId])
  const working: Work[] = []
  const announced: Work[] = []
  for (const task of tasks) {
    if (!runIds.has(task.runId)) continue
    if (task.announce) {
      const announcedRunId = toAnnouncedRunId(task.taskId)
      runIds.add(announcedRunId)
      announced.push({ sessionId, runId: announcedRunId, name: null })
    }
    if (task.outcome === null)
      working.push({ sessionId: task.sessionId, runId: task.taskId, name: task.name })
  }
  if (working.length > 0) return working
  const missing: Work[] = []
  for (const run of announced) {
    const state = (await sessions.run(sessionId, run.runId))?.state
    if (state === "queued" || state === "open") working.push(run)
    if (state === undefined) missing.push(run)
  }
  if (working.length > 0 || missing.length === 0) return working
  // The message that announces an end may still be on its way. A task whose result was collected has none.
  return (await sessions.hasTaskWork(sessionId, { signal })) ? missing : []
}

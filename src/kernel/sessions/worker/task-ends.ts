import { StoreUnavailableError } from "../../../core/errors.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import type { TaskState } from "../../../core/runs/background-task.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { findObstacle } from "../../agent/children/announced-run.ts"
import { createAnnouncement } from "../../agent/children/announcement.ts"
import { markTimeLimit } from "../../agent/children/time-limit.ts"
import { timeLimitId } from "../../agent/children/tree-effects.ts"
import type { Conversation } from "../../agent/conversation.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { Inbox, TaskEnd } from "./inbox.ts"

export interface TaskEndParts {
  readonly log: Pick<SessionLog, "run" | "read">
  readonly writer: SessionWriter
  readonly inbox: Pick<Inbox, "hasCancel">
  readonly conversation: Conversation
  /** If true, the session is that of a sub-agent. */
  readonly isSubAgent: boolean
  /** Returns the signal that ends the wait for another attempt. */
  readonly signal: () => AbortSignal
}

/** Milliseconds before another attempt after the store was unavailable. */
const retryMs = 250

/** Logs the ends of background tasks, once each, even if no run is being executed. */
export class TaskEnds {
  readonly #parts: TaskEndParts
  /** The logged ends, by command. A read of the inbox that started before a commit may return its commands again. */
  readonly #logged = new Map<number, Promise<void>>()

  constructor(parts: TaskEndParts) {
    this.#parts = parts
  }

  /** Starts to log the end, unless that has started before. `settled` reports a failure. */
  log(end: TaskEnd): Promise<void> {
    const known = this.#logged.get(end.id)
    if (known !== undefined) return known
    const logging = this.#log(end).catch(async (error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) throw error
      await sleep(retryMs, this.#parts.signal())
      // Nothing was logged. The next read of the inbox returns the command again.
      this.#logged.delete(end.id)
    })
    this.#logged.set(end.id, logging)
    logging.catch(() => undefined)
    return logging
  }

  /**
   * Resolves when all of them are stored, or wait for another read of the inbox because the store was unavailable.
   * Rejects if one cannot be stored.
   */
  async settled(): Promise<void> {
    if (this.#logged.size > 0) await Promise.all(this.#logged.values())
  }

  async #log(end: TaskEnd): Promise<void> {
    const { writer, conversation, isSubAgent } = this.#parts
    const { id, runId: taskId, at } = end
    const task = conversation.tasks.find(taskId)
    const outcome = markTimeLimit(end.outcome, { at, timeLimitAt: task?.timeLimitAt })
    const event = {
      type: "taskEnded",
      taskId,
      name: task?.name ?? "",
      toolCallId: task?.toolCallId ?? "",
      outcome,
    } as const
    const isAnnounced =
      task?.announce === true &&
      task.isSuperseded !== true &&
      !(await this.#wasCancelledWithRun({ ...end, outcome }, task))
    // An announcement that joins the open run starts none, so nothing is in its way.
    const mayStart = conversation.run !== null || findObstacle(task, end.at) === null
    const outbox = isAnnounced && mayStart ? [createAnnouncement(end, task, { isSubAgent })] : []
    const effects = { consume: [id], outbox, dropItems: [timeLimitId(taskId)] }
    for (const entry of await writer.appendFacts([event], effects)) {
      conversation.apply(entry)
    }
  }

  /**
   * Resolves to true if a cancel of the run that started the task also ended the task. An announcement would start a
   * run of a session whose user has just canceled its work.
   */
  async #wasCancelledWithRun({ sessionId, outcome }: TaskEnd, { runId }: TaskState): Promise<boolean> {
    if (outcome.reason !== "cancelled") return false
    const { log, inbox } = this.#parts
    // The cancel of the run stays in the inbox until the end of the run is stored.
    if (inbox.hasCancel(runId)) return true
    const endSeq = (await log.run(sessionId, runId))?.endSeq ?? null
    if (endSeq === null) return false
    const [end] = await log.read(sessionId, { afterSeq: endSeq - 1, limit: 1 })
    return end?.kind === "event" && end.event.type === "runCompleted" && end.event.reason === "cancelled"
  }
}

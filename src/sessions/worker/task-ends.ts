import { createAnnouncement } from "../../agent/children/announcement.ts"
import type { Conversation } from "../../agent/conversation.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { TaskEnd } from "./inbox.ts"

/** Logs the ends of background tasks, once each, even if no run is being executed. */
export class TaskEnds {
  readonly #writer: SessionWriter
  readonly #conversation: Conversation
  /** The logged ends, by command. A read of the inbox that started before a commit may return its commands again. */
  readonly #logged = new Map<number, Promise<void>>()

  constructor(writer: SessionWriter, conversation: Conversation) {
    this.#writer = writer
    this.#conversation = conversation
  }

  /** Starts to log the end, unless that has started before. `settled` reports a failure. */
  log(end: TaskEnd): Promise<void> {
    const known = this.#logged.get(end.id)
    if (known !== undefined) return known
    const logging = this.#log(end)
    this.#logged.set(end.id, logging)
    logging.catch(() => undefined)
    return logging
  }

  /** Resolves when all of them are stored. Rejects if one cannot be stored. */
  async settled(): Promise<void> {
    if (this.#logged.size > 0) await Promise.all(this.#logged.values())
  }

  async #log(end: TaskEnd): Promise<void> {
    const { id, runId: taskId, outcome } = end
    const task = this.#conversation.tasks.find(taskId)
    const event = {
      type: "taskEnded",
      taskId,
      name: task?.name ?? "",
      toolCallId: task?.toolCallId ?? "",
      outcome,
    } as const
    const outbox = task?.announce === true ? [createAnnouncement(end, task)] : []
    for (const entry of await this.#writer.appendFacts([event], { consume: [id], outbox })) {
      this.#conversation.apply(entry)
    }
  }
}

import { RunCancelledError } from "../core/errors.ts"
import { loadConversation } from "./load-conversation.ts"
import { executeRun, type RunExecution } from "./run-execution.ts"

export type AttemptOptions = Omit<RunExecution, "session" | "conversation" | "signal">

/** One process's work on a session it has claimed: goes on with the open run, then takes what the inbox holds. */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #stop = new AbortController()
  #leaving = false
  #run: { readonly runId: string; readonly controller: AbortController } | null = null

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  /** Whether the session is being given back, so that a command put from now on may find nobody here. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** The attempt ends soon; its run stays open for another one. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
    this.#run?.controller.abort(reason)
  }

  /** Looks into the inbox for a cancel of the run that is being executed. */
  async notice(): Promise<void> {
    const run = this.#run
    if (run === null) return
    for (const command of await this.#options.log.pending(this.#options.lease)) {
      if (command.type === "cancel" && command.runId === run.runId) {
        run.controller.abort(new RunCancelledError(run.runId))
      }
    }
  }

  /** Resolves once nothing is left to do and the session is given back. Rejects when it had to stop before that. */
  async work(): Promise<void> {
    const { log, lease } = this.#options
    const session = await log.session(lease.sessionId)
    if (session === null) return
    const conversation = await loadConversation(log, lease.sessionId)
    for (;;) {
      this.#stop.signal.throwIfAborted()
      const commands = await log.pending(lease)
      const message =
        conversation.run === null ? commands.find((command) => command.type === "message") : undefined
      const runId = conversation.run?.runId ?? message?.runId
      if (runId === undefined) {
        this.#leaving = true
        if ((await log.release(lease, { force: commands.length > 0 })) !== "pending") return
        this.#leaving = false
        continue
      }
      const controller = new AbortController()
      this.#run = { runId, controller }
      if (this.#stop.signal.aborted) controller.abort(this.#stop.signal.reason)
      try {
        await this.notice()
        const execution = { ...this.#options, session, conversation, signal: controller.signal }
        await executeRun(execution, runId, message?.type === "message" ? message : null)
      } finally {
        this.#run = null
      }
    }
  }
}

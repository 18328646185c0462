import { hasAwaitedTaskEnded } from "../../agent/waits/take-answer.ts"
import { RunCancelledError, RunWithdrawnError } from "../../core/errors.ts"
import type { Found } from "../../core/ports/store/inbox.ts"
import type {
  Command,
  Lease,
  MessageCommand,
  Session,
  SessionParent,
} from "../../core/ports/store/session-log.ts"
import type { LoadedFold, SessionFolds } from "../folding/session-folds.ts"
import { Inbox } from "./inbox.ts"
import type { LiveMemory } from "./live-memory.ts"
import { executeRun, type RunExecution } from "./run-execution.ts"
import { TaskEnds } from "./task-ends.ts"
import { Withdrawals } from "./withdrawals.ts"

export interface SessionWorkerOptions
  extends Omit<RunExecution, "session" | "conversation" | "signal" | "inbox" | "takeovers"> {
  readonly lease: Lease
  /** The session at the time of the claim. Undefined if it must be read. */
  readonly found: Found | undefined
  readonly folds: SessionFolds
  readonly memory: LiveMemory
  /** Stored bytes of the session after which a run takes no further step. */
  readonly maxSessionBytes: number
  /** If true, other sessions wait for a place, so a queued run waits for the session's next turn. */
  readonly mustYield: () => boolean
}

/** The run that is executed now. */
interface Execution {
  readonly controller: AbortController
  /** Ends the run if it has this id. Such a run has not started. */
  readonly withdraw: (runId: string) => void
}

type Accepted = MessageCommand & { readonly id: number }

/** Works on a claimed session: continues its open run, then takes the messages of its inbox. */
export class SessionWorker {
  readonly #options: SessionWorkerOptions
  readonly #inbox: Inbox
  readonly #withdrawals: Withdrawals
  readonly #stop = new AbortController()
  /** The call that started the session. It is known after the session was read. */
  #parent: SessionParent | null = null
  #leaving = false
  #run: Execution | null = null
  /** If true, a command may have arrived after the inbox was read for the starting run. */
  #unread = false
  #fold: LoadedFold | null = null
  /** Number of events in the fold that were stored before the first event of this writer. */
  #eventsBefore = 0
  #isLookingForSnapshot = false

  constructor(options: SessionWorkerOptions) {
    this.#options = options
    this.#inbox = new Inbox(options.log, options.lease)
    this.#withdrawals = new Withdrawals(options.writer)
    this.#inbox.onWithdrawal((command) => {
      this.#withdrawals.log(command, this.#parent)
      this.#run?.withdraw(command.runId)
    })
  }

  /** If true, the session is being released, so this process may miss a command that arrives from now on. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** Ends the work soon. The run stays open for another process. */
  stop(reason: Error): void {
    this.#stop.abort(reason)
    this.#run?.controller.abort(reason)
  }

  /** Reads the inbox for commands to the current run. */
  async notice(): Promise<void> {
    if (this.#run === null) this.#unread = true
    else await this.#inbox.read()
  }

  /** Resolves when all work is done and the session is released. Rejects if the work had to stop before. */
  async work(): Promise<void> {
    const { log, lease, found, memory } = this.#options
    const session = found?.session ?? (await log.session(lease.sessionId))
    if (session === null) return
    this.#parent = session.parent
    const giveBack = await memory.take(session, session.storedBytes, this.#stop.signal)
    try {
      await this.#workOn(session)
    } finally {
      giveBack()
    }
  }

  async #workOn(session: Session): Promise<void> {
    const { log, lease, found, folds, writer, maxSessionBytes, mustYield } = this.#options
    writer.continueAfter(session, { maxBytes: maxSessionBytes })
    const reader = { principal: session, signal: this.#stop.signal, isRun: true }
    const fold = await folds.load({ lease, session, reader })
    if (fold === null) throw this.#stop.signal.reason
    const { conversation } = fold
    this.#fold = fold
    this.#eventsBefore = conversation.progress.events
    const taskEnds = new TaskEnds(writer, conversation)
    this.#inbox.onTaskEnd((command) => {
      void taskEnds.log(command).then(
        () => this.#inbox.wake(),
        () => undefined,
      )
    })
    /** The time to park until. Set while the open run can only wait. */
    let parkUntil: number | null = null
    let { takeovers } = lease
    let runs = 0
    let commands = found?.commands ?? (await this.#readInbox())
    for (;;) {
      this.#stop.signal.throwIfAborted()
      const work = commands.filter(isWork)
      await this.#withdrawals.settled()
      await taskEnds.settled()
      // A task may have ended after the run looked for its end and before the run stopped waiting.
      if (hasAwaitedTaskEnded(conversation)) parkUntil = null
      const message = conversation.run === null ? work.find(isMessage) : undefined
      const runId = conversation.run?.runId ?? message?.runId
      const yields = message !== undefined && runs > 0 && mustYield()
      if (runId === undefined || yields || (parkUntil !== null && work.length === 0)) {
        this.#leaving = true
        const stale = runId === undefined && work.some(({ type }) => type !== "taskEnd")
        const outcome = await log.release(lease, {
          force: stale || yields,
          ...(parkUntil === null ? {} : { parkUntil: await this.#byTheStore(parkUntil) }),
        })
        if (outcome === "released" && this.#hasAllStored(fold)) folds.keep(lease, fold, writer.storedThrough)
        if (outcome !== "pending") return
        this.#leaving = false
        commands = await this.#readInbox()
        continue
      }
      parkUntil = await this.#execute(runId, work, async (signal) => {
        const execution = { ...this.#options, takeovers, session, conversation, inbox: this.#inbox, signal }
        return executeRun(execution, runId, message ?? null)
      })
      runs += 1
      // The processes died during the first run.
      takeovers = 0
      // Most runs are the last in their inbox. If a command is due, the store refuses the release.
      commands = []
    }
  }

  /**
   * Queues a snapshot if one is due, after the conversation has the events that were just stored. The run continues
   * meanwhile.
   */
  onStored(): void {
    if (this.#isLookingForSnapshot || this.#fold === null) return
    this.#isLookingForSnapshot = true
    setImmediate(() => {
      this.#isLookingForSnapshot = false
      const fold = this.#fold
      if (fold === null || !this.#hasAllStored(fold)) return
      this.#options.folds.snapshotIfDue(this.#options.lease.sessionId, fold)
    })
  }

  /** Returns true if the conversation equals a fold of the stored events. */
  #hasAllStored({ conversation: { progress } }: LoadedFold): boolean {
    const { writer } = this.#options
    const isWhole = progress.events - this.#eventsBefore === writer.storedEvents
    return isWhole && progress.isOrdered && writer.isVerbatim
  }

  #readInbox(): Promise<readonly Command[]> {
    this.#unread = false
    return this.#inbox.readWithMessage()
  }

  /**
   * Converts a time of this process into the store's clock. The clocks may differ. A run that is due for the store,
   * but not for the process that claims it, would be claimed again and again.
   */
  async #byTheStore(time: number): Promise<number> {
    const { log, clock } = this.#options
    return Math.ceil((await log.now()) + time - clock.now())
  }

  async #execute(
    runId: string,
    commands: readonly Command[],
    execute: (signal: AbortSignal) => Promise<number | null>,
  ): Promise<number | null> {
    const controller = new AbortController()
    const withdraw = (withdrawn: string) => {
      if (withdrawn === runId) controller.abort(new RunWithdrawnError(runId))
    }
    this.#run = { controller, withdraw }
    if (this.#stop.signal.aborted) controller.abort(this.#stop.signal.reason)
    const cancel = (cancelled: string) => {
      if (cancelled === runId) controller.abort(new RunCancelledError(runId))
    }
    for (const command of commands) if (command.type === "cancel") cancel(command.runId)
    const forget = this.#inbox.onCancel(cancel)
    try {
      if (this.#unread) await this.#inbox.read()
      return await execute(controller.signal)
    } catch (thrown) {
      // The run never started. Its end is logged with its withdrawal.
      if (thrown instanceof RunWithdrawnError) return null
      throw thrown
    } finally {
      forget()
      this.#run = null
    }
  }
}

/**
 * Returns true for commands that need a run. Withdrawals are logged when they are found, and the run that steering
 * messages join takes them. The end of a task is logged too, and the run may have waited for it.
 */
function isWork({ type }: Command): boolean {
  return type !== "withdraw" && type !== "steer"
}

function isMessage(command: Command): command is Accepted {
  return command.type === "message"
}

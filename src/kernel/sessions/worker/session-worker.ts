import { LeaseLostError, RunCancelledError, RunWithdrawnError } from "../../../core/errors.ts"
import type { LogRange } from "../../../core/log/superseded.ts"
import type { EndedLease, Observer } from "../../../core/ports/observer.ts"
import type { Found } from "../../../core/ports/store/inbox.ts"
import type {
  Command,
  Lease,
  MessageCommand,
  Session,
  SessionParent,
} from "../../../core/ports/store/session-log.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { hasAwaitedTaskEnded } from "../../agent/waits/take-answer.ts"
import type { LoadedFold, SessionFolds } from "../folding/session-folds.ts"
import type { LiveMemory } from "../live-memory.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { LoadPlace } from "./fork.ts"
import { Inbox } from "./inbox.ts"
import { executeRun, type RunExecution, type RunServices } from "./run-execution.ts"
import { TaskEnds } from "./task-ends.ts"
import { Withdrawals } from "./withdrawals.ts"

/** The parts that all sessions of the process share. */
export interface SessionServices extends RunServices {
  readonly folds: SessionFolds
  /** Memory for the conversations of the sessions. */
  readonly memory: LiveMemory
  /** Stored bytes of the session after which a run takes no further step. */
  readonly maxSessionBytes: number
  /** If true, other sessions wait for a place, so a queued run waits for the session's next turn. */
  readonly mustYield: () => boolean
}

export interface SessionWorkerOptions {
  readonly services: SessionServices
  readonly lease: Lease
  /** The session at the time of the claim. Undefined if it must be read. */
  readonly found: Found | undefined
  readonly writer: SessionWriter
}

type Accepted = MessageCommand & { readonly id: number }

/** Works on a claimed session: continues its open run, then takes the messages of its inbox. */
export class SessionWorker {
  readonly #options: SessionWorkerOptions
  readonly #inbox: Inbox
  readonly #withdrawals: Withdrawals
  /** Aborts the work. Each run after the first, and the work after a canceled run, has a new one. */
  #working = new AbortController()
  /** The reason why all work ends. Null while it may continue. */
  #stopped: Error | null = null
  /** The call that started the session. It is known after the session was read. */
  #parent: SessionParent | null = null
  #leaving = false
  /** Id of the run that is executed now. */
  #runId: string | null = null
  /** If true, a command may have arrived after the inbox was read for the starting run. */
  #unread = false
  #fold: LoadedFold | null = null
  /** Number of events in the fold that were stored before the first event of this writer. */
  #eventsBefore = 0
  #isLookingForSnapshot = false

  constructor(options: SessionWorkerOptions) {
    this.#options = options
    this.#inbox = new Inbox(options.services.log, options.lease)
    this.#withdrawals = new Withdrawals(options.writer)
    this.#inbox.onCancel((runId) => this.#cancel(runId))
    this.#inbox.onWithdrawal((command) => {
      this.#withdrawals.log(command, this.#parent)
      const { runId } = command
      // Such a run has not started.
      if (runId === this.#runId) this.#working.abort(new RunWithdrawnError(runId))
    })
  }

  /** If true, the session is being released, so this process may miss a command that arrives from now on. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** Ends the work soon. The run stays open for another process. */
  stop(reason: Error): void {
    this.#stopped ??= reason
    this.#working.abort(reason)
  }

  /** Reads the inbox for commands to the current run. */
  async notice(): Promise<void> {
    if (this.#runId === null) this.#unread = true
    else await this.#inbox.read()
  }

  /** Resolves when all work is done and the session is released. Rejects if the work had to stop before. */
  async work(): Promise<void> {
    const { services, lease, found } = this.#options
    const session = found?.session ?? (await services.log.session(lease.sessionId))
    if (session === null) return
    this.#parent = session.parent
    const endLease = observeLease(services.observers, lease, session)
    try {
      const giveBack = await services.memory.take(session, session.storedBytes, this.#working.signal)
      try {
        await this.#workOn(session)
      } finally {
        giveBack()
      }
      endLease("released")
    } catch (error) {
      endLease(error instanceof LeaseLostError ? "lost" : "left")
      throw error
    }
  }

  async #workOn(session: Session): Promise<void> {
    const { services, lease, found, writer } = this.#options
    const { log, folds, maxSessionBytes, mustYield } = services
    writer.continueAfter(session, { maxBytes: maxSessionBytes })
    const reader = { principal: session, signal: this.#working.signal, isRun: true }
    const fold = await folds.load({ lease, session, reader })
    if (fold === null) throw this.#working.signal.reason
    const { conversation } = fold
    this.#fold = fold
    this.#eventsBefore = conversation.progress.events
    const signal = () => this.#working.signal
    const isSubAgent = session.parent !== null
    const taskEnds = new TaskEnds({ log, writer, inbox: this.#inbox, conversation, isSubAgent, signal })
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
      this.#working.signal.throwIfAborted()
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
      // Code of the application may keep the signal of a run that has ended.
      if (runs > 0) this.#startAgain()
      this.#runId = runId
      for (const command of work) if (command.type === "cancel") this.#cancel(command.runId)
      parkUntil = await this.#execute(runId, message ?? null, { session, conversation, takeovers })
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
      this.#options.services.folds.snapshotIfDue(this.#options.lease.sessionId, fold)
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
    const { log, clock } = this.#options.services
    return Math.ceil((await log.now()) + time - clock.now())
  }

  async #execute(
    runId: string,
    message: Accepted | null,
    run: Pick<RunExecution, "session" | "conversation" | "takeovers">,
  ): Promise<number | null> {
    try {
      if (this.#unread) await this.#inbox.read()
      const { services, writer } = this.#options
      const { signal } = this.#working
      const loadPlace: LoadPlace = (superseded, toSeq) => this.#loadPlace(run.session, superseded, toSeq)
      const execution = { ...run, services, writer, inbox: this.#inbox, loadPlace, signal }
      return await executeRun(execution, runId, message)
    } catch (thrown) {
      // The run never started. Its end is logged with its withdrawal.
      if (thrown instanceof RunWithdrawnError) return null
      throw thrown
    } finally {
      this.#runId = null
      if (this.#working.signal.aborted) this.#startAgain()
    }
  }

  async #loadPlace(
    session: Session,
    superseded: readonly LogRange[],
    lastSeq: number,
  ): Promise<Conversation> {
    const { services, lease } = this.#options
    const { signal } = this.#working
    const options = {
      lease,
      session: { ...session, lastSeq },
      reader: { principal: session, signal, isRun: true },
    }
    const place = await services.folds.loadPlace(options, superseded)
    if (place === null) throw signal.reason
    return place
  }

  #cancel(runId: string): void {
    if (runId === this.#runId) this.#working.abort(new RunCancelledError(runId))
  }

  /** A cancel of one run aborts neither earlier runs nor the work after it. */
  #startAgain(): void {
    this.#working = new AbortController()
    if (this.#stopped !== null) this.#working.abort(this.#stopped)
  }
}

/** Calls the observers for a lease whose work starts. Returns the function that reports its end. */
function observeLease(
  { onLeaseTaken, onLeaseEnded }: Partial<Observer>,
  { sessionId, epoch, takeovers }: Lease,
  { tenant, userId, agent }: Session,
): (outcome: EndedLease["outcome"]) => void {
  const facts = { tenant, userId, agent, sessionId, epoch, takeovers }
  const startedAt = performance.now()
  onLeaseTaken?.(facts)
  return (outcome) => onLeaseEnded?.({ ...facts, outcome, durationMs: performance.now() - startedAt })
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

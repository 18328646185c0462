import type { Clock } from "../core/clock.ts"
import { LeaseLostError, ShuttingDownError, toError } from "../core/errors.ts"
import type { Ids } from "../core/ids.ts"
import type { Hold } from "../core/ports/hold.ts"
import type { Logger } from "../core/ports/logger.ts"
import type {
  Lease,
  MessageCommand,
  PutAndClaimOutcome,
  PutOutcome,
  SessionLog,
} from "../core/ports/session-log.ts"
import { Attempt } from "./attempt.ts"
import type { Committer } from "./committer.ts"
import type { Feed } from "./feed.ts"
import { LeaseHold } from "./lease-hold.ts"
import { type KnownLease, Reconciler } from "./reconciler.ts"
import type { ResolveRuntime } from "./runtime-resolver.ts"
import { SessionWriter } from "./writer.ts"

/** How often a process looks for sessions that nobody works on. */
const sweepMs = 500
/** Sessions that one look claims at most, so that those of a dead process are shared among all that are left. */
const claimBatch = 10
/** Pause before the next look when one found that many. */
const fullBatchPauseMs = 100
/** Sweeps from one look into the inboxes of running sessions to the next. */
const inboxRounds = 10
/** The process that accepted a command is left to take it: it has the request, and those who wait for the answer. */
const arrivalGraceMs = 100
/** How long a stopping process waits for its last writes. */
const lastWriteMs = 2_000
/** How often it tries to give a session back to a store that is down. */
const releaseRetryMs = 1_000

export interface WorkerOptions {
  readonly log: SessionLog
  readonly feed: Feed
  readonly committer: Committer
  /** Names of the agents this process serves. */
  readonly agents: readonly string[]
  readonly resolveRuntime: ResolveRuntime
  readonly maxConcurrentRuns: number
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

interface Acceptance {
  readonly runId: string
  readonly request: (() => Request) | undefined
  /** If the session was claimed with it. */
  readonly lease: Lease | null
}

interface Running {
  readonly lease: Lease
  readonly attempt: Attempt
  readonly writer: SessionWriter
  /** A command arrived when it was too late to hand it over. */
  again: boolean
  done: Promise<void>
}

/** Claims sessions that have work and works on them: this process's share of all runs. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stop = new AbortController()
  readonly #attempts = new Map<string, Running>()
  readonly #requests = new Map<string, () => Request>()
  /** Sessions with a command of which this process has heard, and that nobody here has claimed since. */
  readonly #heard = new Set<string>()
  /** Sessions that are just being claimed, one by one; a session may be claimed twice at once. */
  readonly #claiming: string[] = []
  readonly #hold: LeaseHold
  readonly #reconciler: Reconciler
  #loops: Promise<unknown> = Promise.resolve()
  #sweeping: Promise<void> = Promise.resolve()

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#hold = new LeaseHold(options.log.liveness, () => void this.#reconcile())
    this.#reconciler = new Reconciler({
      log: options.log,
      hold: this.#hold,
      known: () => [...this.#attempts.values()].map((running) => this.#knownLease(running)),
      isBeingClaimed: (sessionId) => this.#claiming.includes(sessionId),
      onFound: (lease) => this.#begin(lease),
    })
  }

  /** Whether other processes leave this process's sessions alone. */
  get hold(): Hold {
    return this.#hold
  }

  /** Runs being worked on by this process. */
  get activeRuns(): number {
    return this.#attempts.size
  }

  /** What this process holds at this moment. */
  get leases(): readonly Lease[] {
    return [...this.#attempts.values()].map(({ lease }) => lease)
  }

  /** Takes up whatever was left open, then whatever comes. Resolves when the first round of claims is made. */
  async start(): Promise<void> {
    // All of it: there may be no other process.
    while (await this.#sweep());
    this.#loops = Promise.all([this.#sweepRegularly(), this.#followArrivals()])
  }

  /**
   * Accepts a message and begins the run it starts, unless another process has the session or there is no room. Once it
   * is accepted it is durable: whether this process can begin it now does not change the answer.
   */
  async accept(message: MessageCommand, request: (() => Request) | undefined): Promise<PutOutcome> {
    const { sessionId, runId } = message
    const { log, agents } = this.#options
    const accept = async ({ outcome, lease }: PutAndClaimOutcome) => {
      if (outcome.status === "accepted") await this.take(sessionId, { runId, request, lease })
      return outcome
    }
    if (!this.#hasRoom()) return accept({ outcome: await log.put(message), lease: null })
    return this.#whileClaiming(sessionId, async () => accept(await log.putAndClaim(message, agents)))
  }

  /** Until the work ends, a lease of this session that the store has is not taken for one whose reply was lost. */
  async #whileClaiming<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    this.#claiming.push(sessionId)
    try {
      return await work()
    } finally {
      this.#claiming.splice(this.#claiming.indexOf(sessionId), 1)
    }
  }

  /**
   * Begins work on a session that was just put a command, unless another process has it. Never rejects: what it
   * cannot do now, the next sweep does.
   */
  async take(sessionId: string, accepted?: Acceptance): Promise<void> {
    try {
      await this.#take(sessionId, accepted)
    } catch (error) {
      this.#options.logger.warn({ error, sessionId }, "taking up a session failed; it is tried again soon")
    }
  }

  async #take(sessionId: string, accepted?: Acceptance): Promise<void> {
    const { maxConcurrentRuns } = this.#options
    if (accepted?.request !== undefined && this.#requests.size < maxConcurrentRuns) {
      this.#requests.set(accepted.runId, accepted.request)
    }
    if (accepted?.lease != null) {
      // One that comes when this process stops already would be nobody's to wait for.
      return this.#stop.signal.aborted ? this.#giveBack(accepted.lease) : this.#work(accepted.lease)
    }
    const running = this.#attempts.get(sessionId)
    if (running !== undefined) {
      if (running.attempt.leaving) running.again = true
      return running.attempt.notice()
    }
    let isBegun = false
    try {
      isBegun = this.#hasRoom() && (await this.#claim(sessionId))
    } finally {
      if (!isBegun && accepted !== undefined) this.#requests.delete(accepted.runId)
    }
  }

  async #claim(sessionId: string): Promise<boolean> {
    const { log, agents } = this.#options
    return this.#whileClaiming(sessionId, async () => {
      const lease = await log.claim(sessionId, agents)
      if (lease !== null) await this.#work(lease)
      return lease !== null
    })
  }

  /** Takes no new work, waits up to `graceMs` for what runs, then parks it: its runs stay open for another process. */
  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stop.abort(new ShuttingDownError())
    await this.#loops
    await this.#sweeping
    const all = () => Promise.all([...this.#attempts.values()].map(({ done }) => done))
    const grace = Promise.withResolvers<void>()
    const timer = setTimeout(grace.resolve, graceMs)
    await Promise.race([all(), grace.promise])
    clearTimeout(timer)
    for (const { attempt } of this.#attempts.values()) attempt.stop(new ShuttingDownError())
    // What is still being written by then is waiting for a store that is down.
    const giveUp = setTimeout(() => {
      for (const { writer } of this.#attempts.values()) writer.stop(new ShuttingDownError())
    }, lastWriteMs)
    await all()
    clearTimeout(giveUp)
    this.#hold.close()
  }

  /** If false, this process claims nothing: it stops, has lapsed, or works on as much as it may. */
  #hasRoom(): boolean {
    const taken = this.#attempts.size + this.#claiming.length
    const mayClaim = !this.#stop.signal.aborted && this.#hold.isCertain()
    return mayClaim && taken < this.#options.maxConcurrentRuns
  }

  async #sweepRegularly(): Promise<void> {
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await sleep(sweepMs, this.#stop.signal)
      while (!this.#stop.signal.aborted && (await this.#sweep())) {
        await sleep(fullBatchPauseMs, this.#stop.signal)
      }
      if (round % inboxRounds === 0 && !this.#stop.signal.aborted) await this.#lookIntoInboxes()
    }
  }

  /** For commands of other processes whose arrival was not heard. */
  async #lookIntoInboxes(): Promise<void> {
    for (const { attempt } of this.#attempts.values()) {
      await attempt
        .notice()
        .catch((error: unknown) => this.#options.logger.warn({ error }, "reading an inbox failed"))
    }
  }

  /**
   * Looks for work, and first for work that this process has without knowing it. Resolves to whether there may be more.
   * Never rejects: a store that is down is looked at again at the next round.
   */
  async #sweep(): Promise<boolean> {
    const { log, agents, maxConcurrentRuns, logger } = this.#options
    let isFull = false
    const sweep = async () => {
      if (!(await this.#reconcile())) return
      const places = maxConcurrentRuns - this.#attempts.size - this.#claiming.length
      if (!this.#hasRoom()) return
      const limit = Math.min(places, claimBatch)
      const leases = await log.claimRunnable(agents, limit)
      isFull = leases.length === claimBatch
      for (const lease of leases) await this.#begin(lease)
    }
    this.#sweeping = sweep().catch((error: unknown) => logger.warn({ error }, "looking for work failed"))
    await this.#sweeping
    return isFull
  }

  /** Never rejects; false if the store could not be asked. */
  async #reconcile(): Promise<boolean> {
    try {
      await this.#reconciler.run()
      return true
    } catch (error) {
      this.#options.logger.warn(
        { error },
        "The leases of this process could not be checked. They are checked again soon.",
      )
      return false
    }
  }

  #knownLease({ lease, attempt, writer }: Running): KnownLease {
    return {
      lease,
      isLeaving: () => attempt.leaving,
      onLost: () => writer.stop(new LeaseLostError(lease.sessionId)),
    }
  }

  /** Begins work on a session that was found or claimed without being asked for. */
  async #begin(lease: Lease): Promise<void> {
    // Other sessions may have begun in the meantime.
    if (this.#hasRoom()) await this.#work(lease)
    else await this.#giveBack(lease)
  }

  /** Hears at once of what other processes accepted; the sweep misses nothing when this fails. */
  async #followArrivals(): Promise<void> {
    const { log, logger } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        for await (const sessionId of log.arrivals({ signal: this.#stop.signal })) {
          if (this.#attempts.has(sessionId)) await this.take(sessionId)
          else this.#takeLater(sessionId)
        }
      } catch (error) {
        logger.warn({ error }, "listening for work failed")
        await sleep(sweepMs, this.#stop.signal)
      }
    }
  }

  /** Unless it is claimed here by then: what this process accepts itself, it takes by itself. */
  #takeLater(sessionId: string): void {
    this.#heard.add(sessionId)
    setTimeout(async () => {
      if (this.#heard.delete(sessionId)) await this.take(sessionId)
    }, arrivalGraceMs)
  }

  /** Begins work on a claimed session. Resolves at once, unless a former attempt of this process has to end first. */
  async #work(lease: Lease): Promise<void> {
    const { sessionId } = lease
    this.#heard.delete(sessionId)
    const former = this.#attempts.get(sessionId)
    if (former !== undefined) {
      // Somebody took the session over and gave it back, and this process has not noticed yet.
      former.writer.stop(new LeaseLostError(sessionId))
      await former.done
    }
    const { log, feed, committer, resolveRuntime, clock, ids, logger } = this.#options
    const channel = feed.openWriter(sessionId, () => writer.publishedUnstored())
    const writer: SessionWriter = new SessionWriter({
      lease,
      clock,
      committer,
      publish: channel.publish,
      onStopped: (reason) => attempt.stop(reason),
    })
    const takeRequest = (runId: string) => {
      const request = this.#requests.get(runId)
      this.#requests.delete(runId)
      return request
    }
    const hold = this.#hold
    const attempt = new Attempt({ lease, writer, hold, log, resolveRuntime, takeRequest, clock, ids, logger })
    const work = async () => {
      try {
        await attempt.work()
      } catch (error) {
        logger.info({ sessionId, reason: toError(error).message }, "a run was left open")
        await committer.flush()
        if (!(error instanceof LeaseLostError)) await this.#giveBack(lease)
      } finally {
        writer.stop(new LeaseLostError(sessionId))
        channel.close()
        if (this.#attempts.get(sessionId) === running) this.#attempts.delete(sessionId)
      }
      if (running.again) await this.take(sessionId)
    }
    const running: Running = { lease, attempt, writer, again: false, done: Promise.resolve() }
    this.#attempts.set(sessionId, running)
    running.done = work()
  }

  /** Until it succeeds or the process ends, in which case the lease is no longer live by itself. */
  async #giveBack(lease: Lease): Promise<void> {
    for (;;) {
      try {
        await this.#options.log.release(lease, { force: true })
        return
      } catch (error) {
        this.#options.logger.warn({ error, sessionId: lease.sessionId }, "giving a session back failed")
        if (this.#stop.signal.aborted) return
        await sleep(releaseRetryMs, this.#stop.signal)
      }
    }
  }
}

/** Resolves after `ms`, or early when the signal aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener("abort", wake, { once: true })
  })
}

import type { Clock } from "../core/clock.ts"
import { LeaseLostError, ShuttingDownError, toError } from "../core/errors.ts"
import type { Ids } from "../core/ids.ts"
import type { Logger } from "../core/ports/logger.ts"
import type {
  Lease,
  MessageCommand,
  Principal,
  PutAndClaimOutcome,
  PutOutcome,
  SessionLog,
  StorageLimits,
} from "../core/ports/session-log.ts"
import { Attempt } from "./attempt.ts"
import type { Committer } from "./committer.ts"
import type { Feed } from "./feed.ts"
import type { ReadQueue } from "./read-queue.ts"
import type { ResolveRuntime } from "./runtime-resolver.ts"
import { Slots } from "./slots.ts"
import { SessionWriter } from "./writer.ts"

/** How often a process looks for sessions that nobody works on. */
const sweepMs = 500
/** Pause before a place that became free is given away, and at least so many times as long as finding that out takes. */
const fillPauseMs = 10
const fillPauseFactor = 4
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
  readonly reads: ReadQueue
  readonly committer: Committer
  /** Names of the agents this process serves. */
  readonly agents: readonly string[]
  readonly resolveRuntime: ResolveRuntime
  readonly maxConcurrentRuns: number
  /** Of those, the runs of one principal. */
  readonly maxConcurrentRunsPerPrincipal: number
  /** Stored bytes of a session past which a run takes no further step. */
  readonly maxSessionBytes: number
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

/** What is known of a message that is put. Whoever does not know the principal or the limits leaves them out. */
export interface Arrival {
  readonly request?: (() => Request) | undefined
  readonly principal?: Principal | undefined
  readonly limits?: StorageLimits | undefined
}

interface Acceptance {
  readonly runId: string
  readonly request: (() => Request) | undefined
  /** If true, others wait for the same place, so the session waits for its turn. */
  readonly waits: boolean
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
  readonly #slots: Slots
  /** If true, more sessions may be runnable than there are places: what arrives takes its turn among them. */
  #crowded = false
  #filling: NodeJS.Timeout | null = null
  #fillPauseMs = fillPauseMs
  #loops: Promise<unknown> = Promise.resolve()
  #sweeping: Promise<void> | null = null

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#slots = new Slots(options)
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
    await this.#sweep()
    this.#loops = Promise.all([this.#sweepRegularly(), this.#followArrivals()])
  }

  /**
   * Accepts a message and begins the run it starts, unless another process has the session, there is no room, its
   * principal has its share of the places, or others wait for one. Once it is accepted it is durable: whether this process
   * can begin it now does not change the answer.
   */
  async accept(message: MessageCommand, { request, principal, limits }: Arrival): Promise<PutOutcome> {
    const { sessionId, runId } = message
    const waits = !this.#mayBegin() || (principal !== undefined && this.#slots.isAtShare(principal))
    const { outcome, lease } = await this.#put(message, { waits, limits })
    if (outcome.status === "accepted") await this.take(sessionId, { runId, request, waits, lease })
    return outcome
  }

  async #put(
    message: MessageCommand,
    { waits, limits }: { readonly waits: boolean; readonly limits: StorageLimits | undefined },
  ): Promise<PutAndClaimOutcome> {
    const { log, agents } = this.#options
    if (waits) return { outcome: await log.put(message, limits), lease: null }
    return this.#slots.whileReserved(() => log.putAndClaim(message, agents, limits))
  }

  /** Whether a session that arrives now may be claimed at once. If not, it is claimed in its turn. */
  #mayBegin(): boolean {
    if (this.#stop.signal.aborted) return false
    if (this.#slots.free <= 0) this.#crowded = true
    if (this.#crowded) this.#fillSoon()
    return !this.#crowded
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
      isBegun = accepted?.waits !== true && this.#mayBegin() && (await this.#claim(sessionId))
    } finally {
      if (!isBegun && accepted !== undefined) this.#requests.delete(accepted.runId)
    }
  }

  async #claim(sessionId: string): Promise<boolean> {
    const { log, agents } = this.#options
    const lease = await this.#slots.whileReserved(() => log.claim(sessionId, agents))
    if (lease !== null) await this.#work(lease)
    return lease !== null
  }

  /** Takes no new work, waits up to `graceMs` for what runs, then parks it: its runs stay open for another process. */
  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stop.abort(new ShuttingDownError())
    clearTimeout(this.#filling ?? undefined)
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
  }

  async #sweepRegularly(): Promise<void> {
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await sleep(sweepMs, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      await this.#sweep()
      if (round % inboxRounds === 0) await this.#lookIntoInboxes()
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

  /** Never rejects: a store that is down is looked at again at the next round. */
  #sweep(): Promise<void> {
    this.#sweeping ??= this.#claimAndWork()
      .catch((error: unknown) => this.#options.logger.warn({ error }, "looking for work failed"))
      .finally(() => {
        this.#sweeping = null
      })
    return this.#sweeping
  }

  /** Fills the free places with sessions that have work; their principals take turns. */
  async #claimAndWork(): Promise<void> {
    const { log, agents } = this.#options
    const { free } = this.#slots
    if (free <= 0) return
    const begun = performance.now()
    const leases = await log.claimRunnable(agents, free, this.#slots.shares())
    this.#fillPauseMs = Math.max(fillPauseMs, fillPauseFactor * (performance.now() - begun))
    this.#crowded = leases.length >= free
    for (const lease of leases) {
      // What arrived in the meantime has begun.
      if (this.#slots.free > 0 && !this.#stop.signal.aborted) await this.#work(lease)
      else await this.#giveBack(lease)
    }
  }

  /** Sweeps before the next regular sweep, because somebody may wait for a place that is free. */
  #fillSoon(): void {
    if (this.#filling !== null || this.#stop.signal.aborted || this.#slots.free <= 0) return
    this.#filling = setTimeout(() => {
      this.#filling = null
      void this.#sweep()
    }, this.#fillPauseMs).unref()
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
    const { sessionId, principal } = lease
    this.#heard.delete(sessionId)
    const former = this.#attempts.get(sessionId)
    if (former !== undefined) {
      // Somebody took the session over and gave it back, and this process has not noticed yet.
      former.writer.stop(new LeaseLostError(sessionId))
      await former.done
    }
    // Whose the session is was not known before it was claimed.
    if (this.#slots.isAtShare(principal)) return this.#giveBack(lease)
    const { log, feed, reads, committer, resolveRuntime, maxSessionBytes, clock, ids, logger } = this.#options
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
    const shared = { log, reads, resolveRuntime, maxSessionBytes, clock, ids, logger }
    const attempt = new Attempt({ ...shared, lease, writer, takeRequest })
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
        const wasAtShare = this.#slots.isAtShare(principal)
        this.#slots.release(principal)
        if (wasAtShare || this.#crowded) this.#fillSoon()
      }
      if (running.again) await this.take(sessionId)
    }
    const running: Running = { lease, attempt, writer, again: false, done: Promise.resolve() }
    this.#attempts.set(sessionId, running)
    this.#slots.take(principal)
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

import { ShuttingDownError } from "../../../core/errors.ts"
import type { Hold } from "../../../core/ports/run/hold.ts"
import type { Found, PutAndClaimOutcome } from "../../../core/ports/store/inbox.ts"
import type { Lease, MessageCommand, Principal, PutOutcome } from "../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../core/ports/store/storage-limits.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { ActiveSessions, type ActiveSessionsOptions } from "./active-sessions.ts"
import { LeaseHold } from "./lease-hold.ts"
import { Reconciler } from "./reconciler.ts"
import { Slots, type SlotsOptions } from "./slots.ts"

/** Milliseconds between two sweeps for sessions that no process works on. */
const sweepMs = 500
/**
 * Maximum number of sessions that one sweep claims, so that the surviving processes share the sessions of a dead one.
 */
const claimBatch = 10
/** Milliseconds before the next sweep if one found a full batch. */
const fullBatchPauseMs = 100
/**
 * Minimum milliseconds before a free place is given away. The pause is also at least `fillPauseFactor` times as long as
 * the search for a session takes.
 */
const fillPauseMs = 10
const fillPauseFactor = 4
/** Number of sweeps between two comparisons of the leases, and between two reads of a running session's inbox. */
const checkRounds = 10
/**
 * Milliseconds in which only the process that accepted a command takes it, because it has the request and the clients
 * that wait for the response.
 */
const arrivalGraceMs = 100

export interface WorkerOptions
  extends SlotsOptions,
    Omit<
      ActiveSessionsOptions,
      "hold" | "slots" | "stopping" | "takeRequest" | "onEnded" | "onAgain" | "mustYield"
    > {
  /** If it returns true, the worker claims nothing. Messages are accepted and wait. Default: never. */
  readonly isPaused?: () => boolean
}

/** Facts about a message. A caller that does not know the principal or the limits leaves them out. */
export interface Arrival {
  readonly request?: (() => Request) | undefined
  readonly principal?: Principal | undefined
  readonly limits?: StorageLimits | undefined
}

interface Acceptance {
  readonly runId: string
  readonly request: (() => Request) | undefined
  /** If true, other sessions wait for the same place, so the session waits for its turn. */
  readonly waits: boolean
  /** The lease, if the session was claimed with the message. */
  readonly lease: Lease | null
  /**
   * The session as the claim found it. A later withdrawal prevents the start of the run. No other command concerns a
   * run before its start.
   */
  readonly found: Found | undefined
}

/** Claims sessions that have work, and works on them. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stop = new AbortController()
  readonly #requests = new Map<string, () => Request>()
  /** Sessions with a command that this process has noticed, and that it has not claimed since. */
  readonly #heard = new Set<string>()
  /** Sessions that are being claimed one by one. A session may be claimed twice at once. */
  readonly #claiming: string[] = []
  readonly #slots: Slots
  readonly #hold: LeaseHold
  readonly #active: ActiveSessions
  readonly #reconciler: Reconciler
  /** If true, more sessions may be runnable than there are places, so new ones take turns with them. */
  #crowded = false
  #filling: NodeJS.Timeout | null = null
  #fillPauseMs = fillPauseMs
  /**
   * If true, this process may hold leases without knowing it, or may have lost some: at its start, after a claim that
   * failed, and from time to time.
   */
  #mustReconcile = true
  #loops: Promise<unknown> = Promise.resolve()
  #sweeping: Promise<boolean> | null = null

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#slots = new Slots(options)
    this.#hold = new LeaseHold(options.log.liveness, () => void this.#reconcile())
    this.#active = new ActiveSessions({
      ...options,
      hold: this.#hold,
      slots: this.#slots,
      stopping: this.#stop.signal,
      takeRequest: (runId) => {
        const request = this.#requests.get(runId)
        this.#requests.delete(runId)
        return request
      },
      onEnded: (wasAtShare) => {
        if (wasAtShare || this.#crowded) this.#fillSoon()
      },
      onAgain: (sessionId) => this.take(sessionId),
      mustYield: () => this.#crowded,
    })
    this.#reconciler = new Reconciler({
      log: options.log,
      hold: this.#hold,
      known: () => this.#active.known,
      isBeingClaimed: (sessionId) => this.#claiming.includes(sessionId),
      onFound: (lease) => this.#begin(lease),
    })
  }

  /** Reports if other processes leave this process's sessions alone. */
  get hold(): Hold {
    return this.#hold
  }

  /** Number of runs that this process works on. */
  get activeRuns(): number {
    return this.#active.size
  }

  /** The leases that this process holds now. */
  get leases(): readonly Lease[] {
    return this.#active.leases
  }

  /** Continues all open work, then works on new arrivals. Resolves after the first rounds of claims. */
  async start(): Promise<void> {
    // All of it is claimed, because there may be no other process.
    while (await this.#sweep());
    this.#loops = Promise.all([this.#sweepRegularly(), this.#followArrivals()])
  }

  /**
   * Accepts a message and starts its run, unless another process has the session, there is no room, its principal has
   * its share of the places, or others wait for a place. An accepted message is durable. The response does not depend
   * on whether this process can start the run now.
   */
  async accept(message: MessageCommand, { request, principal, limits }: Arrival): Promise<PutOutcome> {
    const { sessionId, runId } = message
    const waits = !this.#mayBegin() || (principal !== undefined && this.#slots.isAtShare(principal))
    return this.#whileClaiming(sessionId, async () => {
      const { outcome, lease, found } = await this.#put(message, { waits, limits })
      if (hasNews(message, outcome)) await this.take(sessionId, { runId, request, waits, lease, found })
      return outcome
    })
  }

  async #put(
    message: MessageCommand,
    { waits, limits }: { readonly waits: boolean; readonly limits: StorageLimits | undefined },
  ): Promise<PutAndClaimOutcome> {
    const { log, agents } = this.#options
    if (waits) return { outcome: await log.put(message, limits), lease: null }
    return this.#slots.whileReserved(() => log.putAndClaim(message, agents, limits))
  }

  /**
   * Tracks the claim while it is in progress, so that the reconciler does not treat its lease as one whose reply was
   * lost.
   */
  async #whileClaiming<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    this.#claiming.push(sessionId)
    try {
      return await work()
    } catch (error) {
      this.#mustReconcile = true
      throw error
    } finally {
      this.#claiming.splice(this.#claiming.indexOf(sessionId), 1)
    }
  }

  /** Returns false if an arriving session may not be claimed at once. It is then claimed in its turn. */
  #mayBegin(): boolean {
    if (!this.#mayClaim()) return false
    if (this.#slots.free <= 0) this.#crowded = true
    if (this.#crowded) this.#fillSoon()
    return !this.#crowded
  }

  /** Returns false while this process stops, while it has lapsed, and while the store is paused. */
  #mayClaim(): boolean {
    return !this.#stop.signal.aborted && this.#hold.isCertain() && this.#options.isPaused?.() !== true
  }

  /**
   * Starts work on a session that just received a command, unless another process has it. Never rejects. The next
   * sweep does what this call cannot do.
   */
  async take(sessionId: string, accepted?: Acceptance): Promise<void> {
    try {
      await this.#take(sessionId, accepted)
    } catch (error) {
      this.#options.logger.warn(
        { error, sessionId },
        "A session could not be continued. It is tried again soon.",
      )
    }
  }

  async #take(sessionId: string, accepted?: Acceptance): Promise<void> {
    const { maxConcurrentRuns } = this.#options
    if (accepted?.request !== undefined && this.#requests.size < maxConcurrentRuns) {
      this.#requests.set(accepted.runId, accepted.request)
    }
    if (accepted?.lease != null) {
      // If this process is already stopping, no code waits for the lease.
      const { lease, found } = accepted
      return this.#stop.signal.aborted ? this.#active.giveBack(lease) : this.#work(lease, found)
    }
    const noticed = this.#active.notice(sessionId)
    if (noticed !== null) return noticed
    let isBegun = false
    try {
      isBegun = accepted?.waits !== true && this.#mayBegin() && (await this.#claim(sessionId))
    } finally {
      if (!isBegun && accepted !== undefined) this.#requests.delete(accepted.runId)
    }
  }

  async #claim(sessionId: string): Promise<boolean> {
    const { log, agents } = this.#options
    return this.#whileClaiming(sessionId, async () => {
      const lease = await this.#slots.whileReserved(() => log.claim(sessionId, agents))
      if (lease !== null) await this.#work(lease)
      return lease !== null
    })
  }

  /**
   * Accepts no new work, waits up to `graceMs` for running work, then parks it. The runs stay open for another
   * process.
   */
  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stop.abort(new ShuttingDownError())
    clearTimeout(this.#filling ?? undefined)
    await this.#loops
    await this.#sweeping
    await this.#active.stop(graceMs)
    this.#hold.close()
  }

  async #sweepRegularly(): Promise<void> {
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await sleep(sweepMs, this.#stop.signal)
      const isCheck = round % checkRounds === 0
      if (isCheck) this.#mustReconcile = true
      while (!this.#stop.signal.aborted && (await this.#sweep())) {
        await sleep(fullBatchPauseMs, this.#stop.signal)
      }
      if (!this.#stop.signal.aborted) await this.#active.lookIntoInboxes({ restart: isCheck })
    }
  }

  /**
   * Looks for work, and first for leases that this process holds without knowing it. Resolves to true if there may be
   * more. Never rejects. If the store is down, the next round tries again.
   */
  #sweep(): Promise<boolean> {
    this.#sweeping ??= this.#claimAndWork()
      .catch((error: unknown) => {
        this.#options.logger.warn({ error }, "Looking for work failed. It is tried again soon.")
        this.#mustReconcile = true
        return false
      })
      .finally(() => {
        this.#sweeping = null
      })
    return this.#sweeping
  }

  /** Fills free places with sessions that have work. Their principals take turns. */
  async #claimAndWork(): Promise<boolean> {
    const { log, agents } = this.#options
    if (this.#mustReconcile && !(await this.#reconcile())) return false
    if (!this.#mayClaim()) return false
    const limit = Math.min(this.#slots.free, claimBatch)
    if (limit <= 0) return false
    const begun = performance.now()
    const fullAt = Math.min(limit, this.#slots.freeForPresentTenants)
    const leases = await log.claimRunnable(agents, limit, this.#slots.shares())
    this.#fillPauseMs = Math.max(fillPauseMs, fillPauseFactor * (performance.now() - begun))
    this.#crowded = leases.length >= fullAt
    for (const lease of leases) await this.#begin(lease)
    return leases.length === claimBatch
  }

  /** Never rejects. Resolves to false if the store is unavailable. */
  async #reconcile(): Promise<boolean> {
    this.#mustReconcile = false
    try {
      // A claim that was in progress may have been the second one, after a first one whose reply was lost.
      if (!(await this.#reconciler.run())) this.#mustReconcile = true
      return true
    } catch (error) {
      this.#mustReconcile = true
      this.#options.logger.warn(
        { error },
        "The leases of this process could not be checked. They are checked again soon.",
      )
      return false
    }
  }

  /** Runs the next sweep early, because a session may wait for a free place. */
  #fillSoon(): void {
    if (this.#filling !== null || this.#stop.signal.aborted || this.#slots.free <= 0) return
    this.#filling = setTimeout(() => {
      this.#filling = null
      void this.#sweep()
    }, this.#fillPauseMs).unref()
  }

  /** Starts work on a session that a sweep found or claimed. */
  async #begin(lease: Lease): Promise<void> {
    // Other sessions may have started in the meantime.
    if (this.#slots.free > 0 && this.#mayClaim()) await this.#work(lease)
    else await this.#active.giveBack(lease)
  }

  /** Follows arrivals at other processes. If this fails, the sweep still finds them. */
  async #followArrivals(): Promise<void> {
    const { log, logger } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        for await (const sessionId of log.arrivals({ signal: this.#stop.signal })) {
          if (this.#active.has(sessionId)) await this.take(sessionId)
          else this.#takeLater(sessionId)
        }
      } catch (error) {
        logger.warn(
          { error },
          "The store's notifications of new work failed. The gateway looks for work at intervals.",
        )
      }
      // A closed store ends the arrivals at once, each time.
      await sleep(sweepMs, this.#stop.signal)
    }
  }

  /**
   * Claims the session later, unless it is claimed here by then. Messages that this process accepts are started
   * directly.
   */
  #takeLater(sessionId: string): void {
    this.#heard.add(sessionId)
    setTimeout(async () => {
      if (this.#heard.delete(sessionId)) await this.take(sessionId)
    }, arrivalGraceMs)
  }

  async #work(lease: Lease, found?: Found): Promise<void> {
    this.#heard.delete(lease.sessionId)
    await this.#active.start(lease, found)
  }
}

/** Returns false for a queued message, which is no work until the runs before it have ended. */
function hasNews({ whenBusy }: MessageCommand, outcome: PutOutcome): boolean {
  if (outcome.status === "steered") return true
  return outcome.status === "accepted" && (outcome.position === undefined || whenBusy === "interrupt")
}

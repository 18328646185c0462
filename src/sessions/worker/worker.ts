import { ShuttingDownError } from "../../core/errors.ts"
import type { Hold } from "../../core/ports/hold.ts"
import type { Found, PutAndClaimOutcome } from "../../core/ports/inbox.ts"
import type {
  Lease,
  MessageCommand,
  Principal,
  PutOutcome,
  StorageLimits,
} from "../../core/ports/session-log.ts"
import { sleep } from "../../core/time/sleep.ts"
import { ActiveSessions, type ActiveSessionsOptions } from "./active-sessions.ts"
import { LeaseHold } from "./lease-hold.ts"
import { Reconciler } from "./reconciler.ts"
import { Slots, type SlotsOptions } from "./slots.ts"

/** Milliseconds between two looks for sessions that no process works on. */
const sweepMs = 500
/** Maximum number of sessions that one look claims, so that survivors share the sessions of a dead process. */
const claimBatch = 10
/** Milliseconds before the next look if one found a full batch. */
const fullBatchPauseMs = 100
/**
 * Pause before a place that became free is given away, and at least so many times as long as finding that out takes.
 */
const fillPauseMs = 10
const fillPauseFactor = 4
/** Sweeps from one look into the inboxes of running sessions to the next. */
const inboxRounds = 10
/** The process that accepted a command is left to take it: it has the request, and those who wait for the answer. */
const arrivalGraceMs = 100

export interface WorkerOptions
  extends SlotsOptions,
    Omit<
      ActiveSessionsOptions,
      "hold" | "slots" | "stopping" | "takeRequest" | "onEnded" | "onAgain" | "mustYield"
    > {}

/** Facts about a message that is put. A caller that does not know the principal or the limits leaves them out. */
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
  /** The lease, if the session was claimed with the message. */
  readonly lease: Lease | null
  /**
   * The session as the claim found it. A withdrawal that has come since keeps the run from being opened; no other
   * command concerns a run before that.
   */
  readonly found: Found | undefined
}

/** Claims sessions that have work, and works on them. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stop = new AbortController()
  readonly #requests = new Map<string, () => Request>()
  /** Sessions with a command of which this process has heard, and that nobody here has claimed since. */
  readonly #heard = new Set<string>()
  /** Sessions that are just being claimed, one by one; a session may be claimed twice at once. */
  readonly #claiming: string[] = []
  readonly #slots: Slots
  readonly #hold: LeaseHold
  readonly #active: ActiveSessions
  readonly #reconciler: Reconciler
  /** If true, more sessions may be runnable than there are places: what arrives takes its turn among them. */
  #crowded = false
  #filling: NodeJS.Timeout | null = null
  #fillPauseMs = fillPauseMs
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

  /** Tells if other processes leave this process's sessions alone. */
  get hold(): Hold {
    return this.#hold
  }

  /** Number of runs that this process works on. */
  get activeRuns(): number {
    return this.#active.size
  }

  /** The leases that this process holds at this moment. */
  get leases(): readonly Lease[] {
    return this.#active.leases
  }

  /** Takes up whatever was left open, then whatever comes. Resolves when the first rounds of claims are made. */
  async start(): Promise<void> {
    // All of it: there may be no other process.
    while (await this.#sweep());
    this.#loops = Promise.all([this.#sweepRegularly(), this.#followArrivals()])
  }

  /**
   * Accepts a message and begins the run it starts, unless another process has the session, there is no room, its
   * principal has its share of the places, or others wait for one. Once it is accepted it is durable: whether this
   * process can begin it now does not change the answer.
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

  /** While the work goes on, the reconciler does not take a lease of this session for one whose reply was lost. */
  async #whileClaiming<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    this.#claiming.push(sessionId)
    try {
      return await work()
    } finally {
      this.#claiming.splice(this.#claiming.indexOf(sessionId), 1)
    }
  }

  /** Returns false if a session that arrives now may not be claimed at once. Then it is claimed in its turn. */
  #mayBegin(): boolean {
    if (!this.#mayClaim()) return false
    if (this.#slots.free <= 0) this.#crowded = true
    if (this.#crowded) this.#fillSoon()
    return !this.#crowded
  }

  /** Returns false while this process stops, and while it has lapsed. */
  #mayClaim(): boolean {
    return !this.#stop.signal.aborted && this.#hold.isCertain()
  }

  /**
   * Begins work on a session that was just put a command, unless another process has it. Never rejects: what it
   * cannot do now, the next sweep does.
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
      // One that comes when this process stops already would be nobody's to wait for.
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

  /** Takes no new work, waits up to `graceMs` for what runs, then parks it: its runs stay open for another process. */
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
      while (!this.#stop.signal.aborted && (await this.#sweep())) {
        await sleep(fullBatchPauseMs, this.#stop.signal)
      }
      if (round % inboxRounds === 0 && !this.#stop.signal.aborted) await this.#active.lookIntoInboxes()
    }
  }

  /**
   * Looks for work, and first for work that this process has without knowing it. Resolves to whether there may be more.
   * Never rejects: a store that is down is looked at again at the next round.
   */
  #sweep(): Promise<boolean> {
    this.#sweeping ??= this.#claimAndWork()
      .catch((error: unknown) => {
        this.#options.logger.warn({ error }, "Looking for work failed. It is tried again soon.")
        return false
      })
      .finally(() => {
        this.#sweeping = null
      })
    return this.#sweeping
  }

  /** Fills free places with sessions that have work; their principals take turns. */
  async #claimAndWork(): Promise<boolean> {
    const { log, agents } = this.#options
    if (!(await this.#reconcile()) || !this.#mayClaim()) return false
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

  /** Sweeps before the next regular sweep, because a session may wait for a place that is free. */
  #fillSoon(): void {
    if (this.#filling !== null || this.#stop.signal.aborted || this.#slots.free <= 0) return
    this.#filling = setTimeout(() => {
      this.#filling = null
      void this.#sweep()
    }, this.#fillPauseMs).unref()
  }

  /** Starts work on a session that a sweep found or claimed. */
  async #begin(lease: Lease): Promise<void> {
    // Other sessions may have begun in the meantime.
    if (this.#slots.free > 0 && this.#mayClaim()) await this.#work(lease)
    else await this.#active.giveBack(lease)
  }

  /** Follows arrivals that other processes accepted. If this fails, the sweep still finds them. */
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
      // A store that was closed ends the arrivals at once, each time.
      await sleep(sweepMs, this.#stop.signal)
    }
  }

  /** Unless it is claimed here by then: what this process accepts itself, it takes by itself. */
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

/** Returns false for a message that waits in its queue: it is no work until the runs before it have ended. */
function hasNews({ whenBusy }: MessageCommand, outcome: PutOutcome): boolean {
  if (outcome.status === "steered") return true
  return outcome.status === "accepted" && (outcome.position === undefined || whenBusy === "interrupt")
}

import { LeaseLostError, ShuttingDownError, toError } from "../../core/errors.ts"
import type { Ids } from "../../core/ids.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Found } from "../../core/ports/store/inbox.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { SessionFolds } from "../folding/session-folds.ts"
import type { Feed } from "../reading/feed.ts"
import type { Storage } from "../storage.ts"
import type { Committer } from "../writing/committer.ts"
import { SessionWriter } from "../writing/writer.ts"
import type { LeaseHold } from "./lease-hold.ts"
import type { LiveMemory } from "./live-memory.ts"
import type { KnownLease } from "./reconciler.ts"
import type { ResolveRuntime } from "./runtime-resolver.ts"
import { SessionWorker } from "./session-worker.ts"
import type { Slots } from "./slots.ts"

/** Maximum milliseconds that a stopping process waits for its last writes. */
const lastWriteMs = 2_000
/** Milliseconds between attempts to release a session while the store is down. */
const releaseRetryMs = 1_000

export interface ActiveSessionsOptions {
  readonly log: SessionLog
  readonly feed: Feed
  readonly folds: SessionFolds
  readonly committer: Committer
  readonly storage: Storage
  /** Memory for the conversations of the sessions. */
  readonly memory: LiveMemory
  /** Names of the agents that this process serves. */
  readonly agents: readonly string[]
  readonly resolveRuntime: ResolveRuntime
  /** Stored bytes of a session after which a run takes no further step. */
  readonly maxSessionBytes: number
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly hold: LeaseHold
  readonly slots: Slots
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal
  /** Returns the request with which this process accepted the run. Returns it only once. */
  readonly takeRequest: (runId: string) => (() => Request) | undefined
  /** Called when a place became free. `wasAtShare` is true if its principal had its maximum number of places. */
  readonly onEnded: (wasAtShare: boolean) => void
  /** Called when a command arrived while the session was being released. */
  readonly onAgain: (sessionId: string) => Promise<void>
  /** If true, other sessions wait for a place. */
  readonly mustYield: () => boolean
}

interface Running {
  readonly lease: Lease
  readonly attempt: SessionWorker
  readonly writer: SessionWriter
  /** If true, a command arrived when it was too late to pass it on. */
  again: boolean
  done: Promise<void>
}

/** The sessions that this process holds and works on. */
export class ActiveSessions {
  readonly #options: ActiveSessionsOptions
  readonly #running = new Map<string, Running>()

  constructor(options: ActiveSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#running.size
  }

  get leases(): readonly Lease[] {
    return [...this.#running.values()].map(({ lease }) => lease)
  }

  get known(): readonly KnownLease[] {
    return [...this.#running.values()].map(({ lease, attempt, writer }) => ({
      lease,
      isLeaving: () => attempt.leaving,
      onLost: () => writer.stop(new LeaseLostError(lease.sessionId)),
    }))
  }

  has(sessionId: string): boolean {
    return this.#running.has(sessionId)
  }

  /** Passes a command to the session's worker. Returns null if the session is not active here. */
  notice(sessionId: string): Promise<void> | null {
    const running = this.#running.get(sessionId)
    if (running === undefined) return null
    if (running.attempt.leaving) running.again = true
    return running.attempt.notice()
  }

  /** Reads the inboxes for commands of other processes whose arrival was missed. */
  async lookIntoInboxes(): Promise<void> {
    for (const { attempt, lease } of this.#running.values()) {
      await attempt
        .notice()
        .catch((error: unknown) =>
          this.#options.logger.warn(
            { error, sessionId: lease.sessionId },
            "An inbox could not be read. It is read again soon.",
          ),
        )
    }
  }

  /**
   * Starts work on a claimed session. Resolves at once, unless a previous lease of this process must end first.
   * `found` is the current state of the session, if it is known.
   */
  async start(lease: Lease, found?: Found): Promise<void> {
    const { sessionId, principal } = lease
    const { slots, feed, committer, clock, logger, takeRequest, onEnded, onAgain } = this.#options
    const former = this.#running.get(sessionId)
    if (former !== undefined) {
      // Another process took the session over and released it, and this process has not noticed yet.
      former.writer.stop(new LeaseLostError(sessionId))
      await former.done
    }
    // The owner of the session was not known before the claim.
    if (slots.isAtShare(principal)) return this.giveBack(lease)
    const channel = feed.openWriter(
      sessionId,
      () => writer.publishedUnstored(),
      () => writer.storedThrough,
    )
    const writer: SessionWriter = new SessionWriter({
      lease,
      clock,
      committer,
      writableVersion: () => this.#options.log.writableVersion(),
      publish: channel.publish,
      onStored: () => attempt.onStored(),
      onStopped: (reason) => attempt.stop(reason),
    })
    const { log, folds, storage, memory, agents, resolveRuntime, maxSessionBytes, ids, hold, mustYield } =
      this.#options
    const shared = {
      mustYield,
      log,
      folds,
      storage,
      memory,
      agents,
      resolveRuntime,
      maxSessionBytes,
      clock,
      ids,
      hold,
      logger,
    }
    // A previous lease may have changed the session since then.
    const known = former === undefined ? found : undefined
    const attempt = new SessionWorker({ ...shared, lease, found: known, writer, takeRequest })
    const work = async () => {
      try {
        await attempt.work()
      } catch (error) {
        logger.info(
          { sessionId, reason: toError(error).message },
          "A run was left open. A process continues it later.",
        )
        await committer.flush()
        if (!(error instanceof LeaseLostError)) await this.giveBack(lease)
      } finally {
        writer.stop(new LeaseLostError(sessionId))
        channel.close()
        if (this.#running.get(sessionId) === running) this.#running.delete(sessionId)
        const wasAtShare = slots.isAtShare(principal)
        slots.release(principal)
        onEnded(wasAtShare)
      }
      if (running.again) await onAgain(sessionId)
    }
    const running: Running = { lease, attempt, writer, again: false, done: Promise.resolve() }
    this.#running.set(sessionId, running)
    slots.take(principal)
    running.done = work()
  }

  /** Waits up to `graceMs` for running work, then parks it. The runs stay open for another process. */
  async stop(graceMs: number): Promise<void> {
    const openRuns = [...this.#running.values()].filter(({ attempt }) => !attempt.leaving).length
    if (openRuns > 0) {
      this.#options.logger.info(
        { openRuns, graceMs },
        "The gateway stops. It waits for open runs, and leaves those that are open after graceMs to another process.",
      )
    }
    const awaitAll = () => Promise.all([...this.#running.values()].map(({ done }) => done))
    const grace = Promise.withResolvers<void>()
    const timer = setTimeout(grace.resolve, graceMs)
    await Promise.race([awaitAll(), grace.promise])
    clearTimeout(timer)
    for (const { attempt } of this.#running.values()) attempt.stop(new ShuttingDownError())
    // A write that is still in progress then waits for a store that is down.
    const giveUp = setTimeout(() => {
      for (const { writer } of this.#running.values()) writer.stop(new ShuttingDownError())
    }, lastWriteMs)
    await awaitAll()
    clearTimeout(giveUp)
  }

  /**
   * Releases the lease. Retries until it succeeds or the process stops. The leases of an ended process are no longer
   * live.
   */
  async giveBack(lease: Lease): Promise<void> {
    const { log, logger, stopping } = this.#options
    for (;;) {
      try {
        await log.release(lease, { force: true })
        return
      } catch (error) {
        logger.warn(
          { error, sessionId: lease.sessionId },
          "A session could not be released. It is tried again soon.",
        )
        if (stopping.aborted) return
        await sleep(releaseRetryMs, stopping)
      }
    }
  }
}

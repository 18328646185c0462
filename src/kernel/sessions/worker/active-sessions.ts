import { LeaseLostError, ShuttingDownError, toError } from "../../../core/errors.ts"
import type { Found } from "../../../core/ports/store/inbox.ts"
import type { Lease } from "../../../core/ports/store/session-log.ts"
import { sleep } from "../../../core/time/sleep.ts"
import type { Feed } from "../reading/feed.ts"
import type { Committer } from "../writing/committer.ts"
import { SessionWriter } from "../writing/writer.ts"
import type { KnownLease } from "./reconciler.ts"
import { type SessionServices, SessionWorker } from "./session-worker.ts"
import type { Slots } from "./slots.ts"

/** Maximum milliseconds that a stopping process waits for its last writes. */
const lastWriteMs = 2_000
/** Maximum inboxes that are read in one sweep, so that thousands of sessions do not delay the others. */
const maxInboxReads = 100
/** Milliseconds between attempts to release a session while the store is down. */
const releaseRetryMs = 1_000

export interface ActiveSessionsOptions extends SessionServices {
  readonly feed: Feed
  readonly committer: Committer
  readonly slots: Slots
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal
  /** Called when a place became free. `wasAtShare` is true if its principal had its maximum number of places. */
  readonly onEnded: (wasAtShare: boolean) => void
  /** Called when a command arrived while the session was being released. */
  readonly onAgain: (sessionId: string) => Promise<void>
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
  /** The sessions whose inboxes are read next. */
  #unread: Running[] = []

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

  /**
   * Reads the next inboxes for commands of other processes whose arrival was missed. With `restart`, starts with the
   * first session again after the last one.
   */
  async lookIntoInboxes({ restart }: { readonly restart: boolean }): Promise<void> {
    if (restart && this.#unread.length === 0) this.#unread = [...this.#running.values()]
    for (const running of this.#unread.splice(0, maxInboxReads)) {
      const { attempt, lease } = running
      if (this.#running.get(lease.sessionId) !== running) continue
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
    const { slots, feed, committer, clock, logger, onEnded, onAgain } = this.#options
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
    // A previous lease may have changed the session since then.
    const known = former === undefined ? found : undefined
    const attempt = new SessionWorker({ services: this.#options, lease, found: known, writer })
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
        writer.close()
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

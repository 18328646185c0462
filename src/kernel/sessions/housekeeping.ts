import type { Logger } from "../../core/ports/logger.ts"
import type { Archive } from "../../core/ports/store/archive.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { archiveHistories } from "./archive-histories.ts"

const intervalMs = 60_000
const dayMs = 24 * 60 * 60 * 1_000
/** Number of days that an expired session waits for a subscriber, and that an absent subscriber is remembered. */
const subscriberPatienceDays = 7

export interface HousekeepingOptions {
  readonly log: SessionLog
  /** Undefined if the store keeps old events in the log. */
  readonly archive: Archive | undefined
  readonly logger: Logger
  readonly sessionRetentionDays: number
  /** Seconds that deltas outlive their step, for slow subscribers (rule 6, deltas). */
  readonly keepDeltasSeconds: number
  /** Removes further old data, by the time of the store's clock, until the signal aborts. Default: there is none. */
  readonly removeOthers?: ((now: number, signal: AbortSignal) => Promise<void>) | undefined
  /** Kinds of the outbox items that report expired sessions. */
  readonly removedSessionKinds: readonly string[]
}

/** Drops expired data, and archives old events, once a minute. Returns a function that stops it. */
export function startHousekeeping({
  log,
  archive,
  logger,
  sessionRetentionDays,
  keepDeltasSeconds,
  removeOthers,
  removedSessionKinds,
}: HousekeepingOptions): () => void {
  let running = false
  const stop = new AbortController()
  const prune = async () => {
    if (running) return
    running = true
    try {
      // The store's clock is used because it also dated the records. The clock of this process may differ by minutes.
      const now = await log.now()
      await log.prune({
        deltasSettledBefore: now - keepDeltasSeconds * 1_000,
        sessionsUsedBefore: now - sessionRetentionDays * dayMs,
        keptUntil: now,
        subscribersBehindBefore: now - subscriberPatienceDays * dayMs,
        subscribersSeenBefore: now - subscriberPatienceDays * dayMs,
        outboxDiedBefore: now - sessionRetentionDays * dayMs,
        removedSessionKinds,
      })
      await removeOthers?.(now, stop.signal)
      if (archive !== undefined) await archiveHistories(log, archive, stop.signal)
    } catch (error) {
      if (stop.signal.aborted) return
      logger.warn(
        { error },
        "Old entries could not be dropped or archived. The gateway tries again in a minute.",
      )
    } finally {
      running = false
    }
  }
  const timer = setInterval(prune, intervalMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    stop.abort()
  }
}

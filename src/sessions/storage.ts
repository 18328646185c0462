import type { Principal, SessionLog, StorageLimits } from "../core/ports/session-log.ts"
import { createRecentMap } from "../core/recent-cache.ts"
import type { Clock } from "../core/time/clock.ts"
import type { StorageBounds } from "./options.ts"
import { principalKey } from "./principal-key.ts"

/** A run that was accepted may grow its session to this multiple of the bound for new messages. */
export const runGrowth = 2

const freshMs = 10_000
/** Principals whose sums are known at once. */
const maxKnown = 10_000

export interface Storage {
  /** Returns the limits to put a message with. Without a principal, only the session is limited. */
  limitsFor(principal: Principal | undefined): Promise<StorageLimits>
}

/**
 * Knows how much each principal stores. A sum is kept for ten seconds, so that most messages cost no look-up, and so
 * that there is no row of the principal that all its runs would wait for. A principal may therefore exceed its bound
 * by what it stores in ten seconds, and by what its runs in progress add.
 */
export function createStorage({
  log,
  clock,
  bounds: { sessionBytes, principalBytes },
}: {
  readonly log: SessionLog
  readonly clock: Clock
  readonly bounds: StorageBounds
}): Storage {
  const sums = createRecentMap<{ readonly bytes: Promise<number>; readonly at: number }>(maxKnown)

  function bytesOf(principal: Principal): Promise<number> {
    const key = principalKey(principal)
    const now = clock.now()
    const known = sums.get(key)
    if (known !== undefined && now - known.at < freshMs) return known.bytes
    const bytes = log.storedBytes(principal)
    sums.set(key, { bytes, at: now })
    // A failure is that of this message; the next one looks again.
    bytes.catch(() => sums.set(key, { bytes, at: Number.NEGATIVE_INFINITY }))
    return bytes
  }

  return {
    async limitsFor(principal) {
      const principalIsFull = principal !== undefined && (await bytesOf(principal)) >= principalBytes
      return { sessionBytes, principalIsFull }
    },
  }
}

import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import type { Principal, SessionLog } from "../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../core/ports/store/storage-limits.ts"
import { createRecentMap } from "../../core/recent-cache.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { StorageBounds } from "./options.ts"

/** An accepted run may let its session grow to this multiple of the bound for new messages. */
export const runGrowth = 2

const freshMs = 10_000
/** Maximum number of principals with cached sums. */
const maxKnown = 10_000

export interface Storage {
  /** Returns the limits to put a message with. Without a principal, only the session is limited. */
  limitsFor(principal: Principal | undefined): Promise<StorageLimits>
}

/**
 * Tracks the storage of each principal. A sum is cached for ten seconds, so that most messages need no look-up, and
 * so that runs do not wait for a shared row of their principal. A principal may therefore exceed its bound by the
 * data of ten seconds, and by the data of its runs in progress.
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

  function countBytes(principal: Principal): Promise<number> {
    const key = toPrincipalKey(principal)
    const now = clock.now()
    const known = sums.get(key)
    if (known !== undefined && now - known.at < freshMs) return known.bytes
    const bytes = log.storedBytes(principal)
    sums.set(key, { bytes, at: now })
    // The failure belongs to this message. The next message reads the sum again.
    bytes.catch(() => sums.set(key, { bytes, at: Number.NEGATIVE_INFINITY }))
    return bytes
  }

  return {
    async limitsFor(principal) {
      const principalIsFull = principal !== undefined && (await countBytes(principal)) >= principalBytes
      return { sessionBytes, principalIsFull }
    },
  }
}

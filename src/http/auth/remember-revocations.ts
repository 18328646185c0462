import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import type { Revocations } from "../../core/ports/store/revocations.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { createRecentMap } from "../../core/recent-cache.ts"

/** Milliseconds for which a time is cached. */
const keptMs = 5_000
const maxPrincipals = 10_000

/** The revocations of a store, of which this process remembers some. */
export interface RememberedRevocations extends Revocations {
  /** Like `validAfter`, but at most five seconds old. */
  recent(principal: Principal): Promise<number>
}

interface Remembered {
  readonly validAfter: number
  readonly until: number
}

/**
 * Caches from when the tokens of principals are valid, because every request needs one of these times. Changes by this
 * process apply at once, and those of another process after at most five seconds. `now` returns monotonic
 * milliseconds.
 */
export function rememberRevocations(
  revocations: Revocations,
  now = () => performance.now(),
): RememberedRevocations {
  const known = createRecentMap<Remembered>(maxPrincipals)

  /** Stores the later time, because replies of the store may overtake each other. */
  async function remember(principal: Principal, ask: () => Promise<number>): Promise<number> {
    const until = now() + keptMs
    const asked = await ask()
    const key = toPrincipalKey(principal)
    const validAfter = Math.max(asked, known.get(key)?.validAfter ?? 0)
    known.set(key, { validAfter, until })
    return validAfter
  }

  const validAfter = (principal: Principal) => remember(principal, () => revocations.validAfter(principal))
  return {
    validAfter,
    revoke: (principal) => remember(principal, () => revocations.revoke(principal)),
    async recent(principal) {
      const found = known.get(toPrincipalKey(principal))
      return found !== undefined && now() < found.until ? found.validAfter : validAfter(principal)
    },
  }
}

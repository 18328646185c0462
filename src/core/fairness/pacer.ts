import type { Principal } from "../ports/store/session-log.ts"
import { createRecentMap } from "../recent-cache.ts"
import { toPrincipalKey } from "./principal-key.ts"

export interface PacerOptions {
  /** Share of the event loop, between 0 and 1, that one owner's work may take in the long run. */
  readonly share: number
  /** Milliseconds of work that an idle owner may do without a pause. */
  readonly burstMs: number
  /** Returns monotonic milliseconds. Default: `performance.now`. For tests. */
  readonly now?: () => number
}

/**
 * Spreads the expensive work of each owner over time, so that most of the event loop is left to others. The costs are
 * estimates, because measured times would charge an owner for the work of others in the meantime.
 */
export interface Pacer {
  /** Returns the milliseconds after which the owner may work again; 0 if it may now. */
  waitMs(owner: Principal): number
  /** Charges the owner for work that takes the event loop about `costMs`. */
  charge(owner: Principal, costMs: number): void
}

/**
 * Maximum number of owners with known recent work. The gateway first forgets the owners who worked least recently.
 * They may then work at once.
 */
const maxOwners = 10_000

export function createPacer({ share, burstMs, now = () => performance.now() }: PacerOptions): Pacer {
  /** The time until which each owner must pause. */
  const pauses = createRecentMap<number>(maxOwners)
  const burst = burstMs / share
  return {
    waitMs: (owner) => Math.max(0, (pauses.get(toPrincipalKey(owner)) ?? 0) - now()),
    charge(owner, costMs) {
      const key = toPrincipalKey(owner)
      const earliest = now() - burst
      pauses.set(key, Math.max(pauses.get(key) ?? earliest, earliest) + costMs / share)
    },
  }
}

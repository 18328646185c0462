import { createRecentMap } from "../recent-cache.ts"

export interface PacerOptions {
  /** The share of the event loop that one owner's work may take in the long run, between 0 and 1. */
  readonly share: number
  /** Milliseconds of work that an owner who has been idle may do without a pause. */
  readonly burstMs: number
  /** Monotonic, in milliseconds. Default: `performance.now`. For tests. */
  readonly now?: () => number
}

/**
 * Spreads the expensive work of each owner over time, so that it leaves most of the event loop to others. The costs are
 * estimates: measured times would charge an owner for what others did in the meantime.
 */
export interface Pacer {
  /** Returns the milliseconds after which the owner may work again; 0 if it may now. */
  waitMs(owner: string): number
  /** Counts work that takes the event loop about so many milliseconds. */
  charge(owner: string, costMs: number): void
}

/**
 * Owners whose recent work is known. Those who worked least recently are forgotten first, and may then work at once.
 */
const maxOwners = 10_000

export function createPacer({ share, burstMs, now = () => performance.now() }: PacerOptions): Pacer {
  /** The times until which owners have to pause. */
  const pauses = createRecentMap<number>(maxOwners)
  const burst = burstMs / share
  return {
    waitMs: (owner) => Math.max(0, (pauses.get(owner) ?? 0) - now()),
    charge(owner, costMs) {
      const earliest = now() - burst
      pauses.set(owner, Math.max(pauses.get(owner) ?? earliest, earliest) + costMs / share)
    },
  }
}

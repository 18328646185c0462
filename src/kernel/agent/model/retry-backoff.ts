const baseMs = 500
const mostMs = 30_000

/**
 * Returns the milliseconds before retry number `retries` (from 0). They double with each retry, with full jitter
 * above half.
 */
export function computeBackoff(retries: number, random: () => number = Math.random): number {
  const ceiling = Math.min(baseMs * 2 ** retries, mostMs)
  return ceiling / 2 + (random() * ceiling) / 2
}

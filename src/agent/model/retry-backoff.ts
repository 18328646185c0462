const baseMs = 500
const mostMs = 30_000

/** Milliseconds to wait before retry number `retries` (from 0): doubling, with full jitter above half. */
export function backoffMs(retries: number, random: () => number = Math.random): number {
  const ceiling = Math.min(baseMs * 2 ** retries, mostMs)
  return ceiling / 2 + (random() * ceiling) / 2
}

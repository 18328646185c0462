const firstMs = 1_000

/**
 * Returns the milliseconds to wait after failed attempt number `attempt` (from 1). They double up to `lastMs`, and
 * the second half is random.
 */
export function computeRetryPause(
  attempt: number,
  lastMs: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(firstMs * 2 ** (attempt - 1), lastMs)
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2)
}

const firstMs = 1_000

/**
 * Returns milliseconds to wait after failed attempt number `attempt` (from 1): doubling up to `lastMs`, the last half
 * random.
 */
export function retryPauseMs(attempt: number, lastMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(firstMs * 2 ** (attempt - 1), lastMs)
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2)
}

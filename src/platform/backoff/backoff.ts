/** Pauses between repeated attempts. */
export interface Backoff {
  /** Milliseconds before the first retry. */
  readonly firstMs: number
  /** Maximum milliseconds of a pause. */
  readonly maxMs: number
  /** Each pause is this many times the one before it. Default 2. */
  readonly factor?: number
  /** Part of each pause, from 0 to 1, that is random, so that callers do not keep colliding. Default 0.5. */
  readonly jitter?: number
}

/** Returns the whole milliseconds before retry number `retries`, counted from 0. */
export function computeBackoff(
  retries: number,
  { firstMs, maxMs, factor = 2, jitter = 0.5 }: Backoff,
  random: () => number = Math.random,
): number {
  return Math.ceil(Math.min(firstMs * factor ** retries, maxMs) * (1 - jitter * random()))
}

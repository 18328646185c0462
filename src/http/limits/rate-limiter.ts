import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible"
import type { Clock } from "../../core/time/clock.ts"

/** Counts what is done for a key, in windows of one minute that begin with the key's first. */
export interface RateLimiter {
  readonly name: string
  /** Number of requests a minute. */
  readonly limit: number
  /** Counts one more. */
  count(key: string): Promise<RateLimitState>
}

export interface RateLimitState {
  /** False once there was more than the limit. */
  readonly allowed: boolean
  /** True for the first of a window that is not allowed. */
  readonly isFirstRefusal: boolean
  readonly remaining: number
  /** Whole seconds until the window ends. */
  readonly resetSeconds: number
}

export interface RateLimiterOptions {
  readonly name: string
  readonly limit: number
  readonly clock: Clock
  /** Keys with a counter of their own. Default 50 000. */
  readonly maxKeys?: number
}

export const windowSeconds = 60
const sharedCounters = 1_024

/**
 * Counts in memory, so every process counts for itself. Bounded: past `maxKeys`, new keys with the same first word
 * share a counter, and those that had one before keep it. So a flood from one network slows down new clients of that
 * network.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { name, limit, clock, maxKeys = 50_000 } = options
  const counters = new RateLimiterMemory({ points: limit, duration: windowSeconds, keyPrefix: "" })
  let opened = 0
  let openedSince = clock.now()

  return {
    name,
    limit,
    async count(key) {
      const result = await counters.consume(await counterOf(key)).catch(refusal)
      if (result.isFirstInDuration) opened++
      return stateOf(result, limit)
    },
  }

  /** No counter outlives its window, so there are never more than those opened in two of them. */
  async function counterOf(key: string): Promise<string> {
    const now = clock.now()
    if (now - openedSince >= windowSeconds * 1000) {
      opened = 0
      openedSince = now
    }
    const own = `own:${key}`
    if (opened < maxKeys || (await counters.get(own)) !== null) return own
    const [word = ""] = key.split(" ", 1)
    return `shared:${bucketOf(word)}`
  }
}

/** The library rejects with the count when it is past the limit. */
function refusal(thrown: unknown): RateLimiterRes {
  if (thrown instanceof RateLimiterRes) return thrown
  throw thrown
}

function stateOf(
  { consumedPoints, remainingPoints, msBeforeNext }: RateLimiterRes,
  limit: number,
): RateLimitState {
  return {
    allowed: consumedPoints <= limit,
    isFirstRefusal: consumedPoints === limit + 1,
    remaining: remainingPoints,
    resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  }
}

/** FNV-1a: spreads, and nothing depends on it being hard to foresee. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % sharedCounters
}

import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible"
import type { Clock } from "../../core/time/clock.ts"

/** Counts requests by key, in windows of one minute that start with the key's first request. */
export interface RateLimiter {
  readonly name: string
  /** Maximum number of requests a minute. */
  readonly limit: number
  /** Counts one request. */
  count(key: RateLimitKey): Promise<RateLimitState>
  /** Resolves to true if one more request would be refused. Counts nothing. */
  isExhausted(key: RateLimitKey): Promise<boolean>
}

/** The parts that identify a counter. Counters whose first part is the same are one group. */
export type RateLimitKey = readonly [group: string, ...rest: readonly string[]]

export interface RateLimitState {
  /** False if there were more requests than the limit. */
  readonly allowed: boolean
  /** True for the first refused request of a window. */
  readonly isFirstRefusal: boolean
  readonly remaining: number
  /** Whole seconds until the window ends. */
  readonly resetSeconds: number
}

export interface RateLimiterOptions {
  readonly name: string
  readonly limit: number
  readonly clock: Clock
  /** Maximum number of keys with a counter of their own. Default 50 000. */
  readonly maxKeys?: number
}

export const windowSeconds = 60
const sharedCounters = 1_024

/**
 * Counts in memory, so every process counts for itself. The number of counters is bounded: after `maxKeys`, new keys
 * of one group share a counter, and earlier keys keep theirs. A flood from one network therefore slows
 * down new clients of that network only.
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
      const result = await counters.consume(await findCounter(key)).catch(toRefusal)
      if (result.isFirstInDuration) opened++
      return toState(result, limit)
    },
    async isExhausted(key) {
      return ((await counters.get(await findCounter(key)))?.consumedPoints ?? 0) >= limit
    },
  }

  /**
   * Returns the key of a counter. No counter outlives its window, so there are at most as many as two windows opened.
   */
  async function findCounter(key: RateLimitKey): Promise<string> {
    const now = clock.now()
    if (now - openedSince >= windowSeconds * 1000) {
      opened = 0
      openedSince = now
    }
    // As JSON, so that no two keys are the same text.
    const own = `own:${JSON.stringify(key)}`
    if (opened < maxKeys || (await counters.get(own)) !== null) return own
    return `shared:${computeBucket(key[0])}`
  }
}

/** Converts a rejection. The library rejects with the count if it exceeds the limit. */
function toRefusal(thrown: unknown): RateLimiterRes {
  if (thrown instanceof RateLimiterRes) return thrown
  throw thrown
}

function toState(
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

/** FNV-1a. It only distributes keys, and need not be unpredictable. */
function computeBucket(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % sharedCounters
}

interface Stall {
  /** Time at which the stall was noticed. */
  readonly endedAt: number
  readonly ms: number
}

/** Extends time limits by the time in which this process itself could not work. */
export interface StallClock {
  /**
   * Returns the milliseconds of the recent past in which the process ran for `limitMs`: the limit itself, plus the
   * stalls in that period.
   */
  extend(limitMs: number): number
  stop(): void
}

/** Stalls shorter than this are normal turns of the event loop. */
const shortestStallMs = 100

/**
 * Measures stalls of the event loop with a timer that a stall makes late. A machine without free CPUs, or thousands
 * of requests in one turn, can stall a process for seconds. Bytes that clients sent meanwhile wait in the operating
 * system, and a limit for the client must not count that time. No limit is longer than `longestLimitMs`.
 */
export function createStallClock(everyMs: number, longestLimitMs: number): StallClock {
  let stalls: readonly Stall[] = []
  let tickedAt = performance.now()

  function measure(): void {
    const now = performance.now()
    const ms = now - tickedAt - everyMs
    if (ms >= shortestStallMs) stalls = [...stalls, { endedAt: now, ms }]
    const oldest = now - extendBy(longestLimitMs, now)
    stalls = stalls.filter(({ endedAt }) => endedAt >= oldest)
    tickedAt = now
  }

  function extendBy(limitMs: number, now: number): number {
    return stalls.reduceRight(
      (extended, { endedAt, ms }) => (now - endedAt <= extended ? extended + ms : extended),
      limitMs,
    )
  }

  const timer = setInterval(measure, everyMs).unref()
  return {
    extend(limitMs) {
      // The timer that asks may run before this clock's own.
      if (performance.now() - tickedAt - everyMs >= shortestStallMs) measure()
      return extendBy(limitMs, performance.now())
    },
    stop: () => clearInterval(timer),
  }
}

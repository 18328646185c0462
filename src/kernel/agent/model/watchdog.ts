import { longestTimerMs } from "../../../core/time/longest-timer.ts"
export interface Watchdog {
  /** Reports that the response grew. Other events, such as pings, must not be reported. */
  progressed(): void
  stop(): void
}

/** Time limits of a model call in milliseconds. */
export interface Patience {
  /** Maximum milliseconds from the request to the first progress. */
  readonly firstMs: number
  /** Maximum milliseconds between two reports of progress. */
  readonly silentMs: number
  /** Maximum milliseconds from the request to the end of the response. */
  readonly totalMs: number
}

/**
 * Calls `onOver` once, when a limit is exceeded. Progress costs one look at the clock and, except for the first
 * report, no timer: when the timer fires, it checks how much time is left.
 */
export function startWatchdog(patience: Patience, onOver: (limit: keyof Patience) => void): Watchdog {
  let since = performance.now()
  let limit: "firstMs" | "silentMs" = "firstMs"
  const endsAt = since + patience.totalMs
  const look = () => {
    const now = performance.now()
    const dueAt = since + patience[limit]
    if (now >= endsAt) onOver("totalMs")
    else if (now >= dueAt) onOver(limit)
    else timer = setTimeout(look, Math.min(dueAt - now, endsAt - now, longestTimerMs))
  }
  let timer = setTimeout(look, Math.min(patience.firstMs, patience.totalMs, longestTimerMs))
  return {
    progressed() {
      since = performance.now()
      if (limit === "silentMs") return
      limit = "silentMs"
      clearTimeout(timer)
      look()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}

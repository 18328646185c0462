import { longestTimerMs } from "../../core/time/longest-timer.ts"
export interface Watchdog {
  /** The response grew. Other events, such as pings, must not be reported. */
  progressed(): void
  stop(): void
}

/** Milliseconds that a model call may take. */
export interface Patience {
  /** From the request to the first progress. */
  readonly firstMs: number
  /** Between two signs of progress. */
  readonly silentMs: number
  /** From the request to the end of the response. */
  readonly totalMs: number
}

/**
 * Calls `onOver` once, when a limit is exceeded. Progress costs a look at the clock and, except for the first one, no
 * timer: the timer checks when it fires how much time is left.
 */
export function watchdog(patience: Patience, onOver: (limit: keyof Patience) => void): Watchdog {
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

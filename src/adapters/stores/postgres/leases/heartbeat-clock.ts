import type { Liveness } from "../../../../core/ports/store/liveness.ts"

/** Tracks this process's heartbeats by a monotonic clock. */
export interface HeartbeatClock extends Liveness {
  /** Reports a heartbeat that the database has confirmed, with the time of `now` before it was sent. */
  confirmed(sentAt: number): void
  /** Stops watching. */
  end(): void
}

export interface HeartbeatClockOptions {
  /** Milliseconds that a heartbeat counts, from the moment before it was sent. */
  readonly validMs: number
  /** Returns monotonic milliseconds. Default: `performance.now`. */
  readonly now?: () => number
}

/** Creates the clock. It starts live, because the first heartbeat was just confirmed. */
export function createHeartbeatClock(options: HeartbeatClockOptions): HeartbeatClock {
  const { validMs, now = () => performance.now() } = options
  const listeners = new Set<(isLive: boolean) => void>()
  let last = now()
  let announced = true
  let timer: NodeJS.Timeout | null = null

  function isLive(): boolean {
    return now() - last < validMs
  }

  function announce(live: boolean): void {
    if (announced === live) return
    announced = live
    for (const listener of [...listeners]) listener(live)
  }

  function watch(): void {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(look, Math.max(0, last + validMs - now()) + 1)
    timer.unref()
  }

  function look(): void {
    if (isLive()) watch()
    else announce(false)
  }

  watch()
  return {
    isLive,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    confirmed(sentAt) {
      // A process that did not run for a while may notice its lapse and this heartbeat in the same turn.
      if (!isLive()) announce(false)
      last = Math.max(last, sentAt)
      if (isLive()) announce(true)
      watch()
    },
    end() {
      if (timer !== null) clearTimeout(timer)
      listeners.clear()
    },
  }
}

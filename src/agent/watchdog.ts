export interface Watchdog {
  /** Something happened: the time begins anew. */
  seen(): void
  stop(): void
}

/**
 * Calls `onStall` once nothing was seen for `ms`. Being seen costs a look at the clock and no timer: the one timer there
 * is looks, when it fires, how much of its time is left.
 */
export function watchdog(ms: number, onStall: () => void): Watchdog {
  let seenAt = performance.now()
  const look = () => {
    const left = seenAt + ms - performance.now()
    if (left <= 0) onStall()
    else timer = setTimeout(look, left)
  }
  let timer = setTimeout(look, ms)
  return {
    seen() {
      seenAt = performance.now()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}

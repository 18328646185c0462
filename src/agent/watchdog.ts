export interface Watchdog {
  /** Something happened: the time of silence begins anew. */
  seen(): void
  stop(): void
}

export interface Patience {
  readonly silentMs: number
  readonly totalMs: number
}

/**
 * Calls `onOver` once nothing was seen for `silentMs`, or `totalMs` are over. Being seen costs a look at the clock and no
 * timer: the one timer there is looks, when it fires, how much of its time is left.
 */
export function watchdog({ silentMs, totalMs }: Patience, onOver: (limit: keyof Patience) => void): Watchdog {
  let seenAt = performance.now()
  const endsAt = seenAt + totalMs
  const look = () => {
    const now = performance.now()
    if (now >= endsAt) onOver("totalMs")
    else if (now >= seenAt + silentMs) onOver("silentMs")
    else timer = setTimeout(look, Math.min(seenAt + silentMs, endsAt) - now)
  }
  let timer = setTimeout(look, Math.min(silentMs, totalMs))
  return {
    seen() {
      seenAt = performance.now()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}

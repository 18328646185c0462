/** Default milliseconds between the heartbeats of a stream. */
export const defaultHeartbeatMs = 15_000

export type Beat = (bytes: Uint8Array<ArrayBuffer>) => void

/** Sends one shared heartbeat to all open streams. */
export interface Heartbeat {
  /** Calls `beat` at every heartbeat, until the returned function is called. */
  join(beat: Beat): () => void
}

/**
 * Creates a heartbeat with one timer for any number of streams. It runs only while there are streams, and keeps no
 * process alive.
 */
export function createHeartbeat(intervalMs: number, pulse: () => Uint8Array<ArrayBuffer>): Heartbeat {
  const beats = new Set<Beat>()
  let timer: ReturnType<typeof setInterval> | null = null

  return {
    join(beat) {
      beats.add(beat)
      timer ??= startTimer()
      return () => {
        beats.delete(beat)
        if (beats.size === 0) stopTimer()
      }
    },
  }

  function startTimer(): ReturnType<typeof setInterval> {
    const started = setInterval(() => {
      const bytes = pulse()
      for (const beat of beats) beat(bytes)
    }, intervalMs)
    // If timers are plain numbers, there is no `unref`.
    if (typeof started === "object") started.unref()
    return started
  }

  function stopTimer(): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }
}

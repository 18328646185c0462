export type Beat = (bytes: Uint8Array<ArrayBuffer>) => void

/** Gives one shared pulse to all open streams. */
export interface Heartbeat {
  /** Calls `beat` at every pulse, until the function returned is called. */
  join(beat: Beat): () => void
}

/** One timer however many streams, running only while there are any; it keeps no process alive. */
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
    // Where timers are plain numbers there is nothing to unref.
    if (typeof started === "object") started.unref()
    return started
  }

  function stopTimer(): void {
    if (timer !== null) clearInterval(timer)
    timer = null
  }
}

/** Default milliseconds between the heartbeats of a stream. */
export const defaultHeartbeatMs = 15_000

/** A stream that receives heartbeats. */
export interface HeartbeatStream {
  beat(text: string): void
}

/** Sends one shared heartbeat to all open streams. */
export interface Heartbeat {
  /** Calls `beat` of the stream at every heartbeat, until the stream leaves. */
  join(stream: HeartbeatStream): void
  leave(stream: HeartbeatStream): void
}

/**
 * Creates a heartbeat with one timer for any number of streams. It runs only while there are streams, and keeps no
 * process alive.
 */
export function createHeartbeat(intervalMs: number, pulse: () => string): Heartbeat {
  const streams = new Set<HeartbeatStream>()
  let timer: ReturnType<typeof setInterval> | null = null

  return {
    join(stream) {
      streams.add(stream)
      timer ??= startTimer()
    },
    leave(stream) {
      streams.delete(stream)
      if (streams.size === 0) stopTimer()
    },
  }

  function startTimer(): ReturnType<typeof setInterval> {
    const started = setInterval(() => {
      const text = pulse()
      for (const stream of streams) stream.beat(text)
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

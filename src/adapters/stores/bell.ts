/** Wakes one waiter. If no one waits, a ring ends the next wait. */
export interface Bell {
  ring(): void
  /** Resolves to true when rung, and to false when a signal aborts. */
  wait(): Promise<boolean>
  /** Stops listening to the signals. */
  end(): void
}

export function createBell(signals: readonly AbortSignal[]): Bell {
  let rung = false
  let wake: (() => void) | null = null
  const onAbort = () => wake?.()
  for (const signal of signals) signal.addEventListener("abort", onAbort)
  const isAborted = () => signals.some((signal) => signal.aborted)
  return {
    ring() {
      rung = true
      wake?.()
    },
    async wait() {
      if (!rung && !isAborted()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = null
      }
      rung = false
      return !isAborted()
    },
    end() {
      for (const signal of signals) signal.removeEventListener("abort", onAbort)
    },
  }
}

/** Wakes all listeners. */
export interface Alarm {
  ring(): void
  /** Yields after each ring, once for rings in quick succession. */
  rings(signal: AbortSignal): AsyncIterable<void>
  /** Ends every iteration. */
  close(): void
}

export function createAlarm(): Alarm {
  const bells = new Set<Bell>()
  const closing = new AbortController()
  return {
    ring() {
      for (const bell of bells) bell.ring()
    },
    async *rings(signal) {
      const bell = createBell([signal, closing.signal])
      bells.add(bell)
      try {
        while (await bell.wait()) yield
      } finally {
        bell.end()
        bells.delete(bell)
      }
    },
    close: () => closing.abort(),
  }
}

export interface TimeLimit {
  /** Pauses the time limit until the promise has settled. */
  pauseFor<Value>(work: Promise<Value>): Promise<Value>
  stop(): void
}

/** Calls `onOver` after `ms` milliseconds, not counting pauses. */
export function startTimeLimit(ms: number, onOver: () => void): TimeLimit {
  let left = ms
  let pauses = 0
  let stopped = false
  let since = performance.now()
  let timer = setTimeout(onOver, left)
  return {
    async pauseFor(work) {
      if (pauses === 0) {
        clearTimeout(timer)
        left -= performance.now() - since
      }
      pauses += 1
      try {
        return await work
      } finally {
        pauses -= 1
        if (pauses === 0 && !stopped) {
          since = performance.now()
          timer = setTimeout(onOver, left)
        }
      }
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

/** Limits the number of concurrent processes. Waiting callers proceed in order. */
export interface Places {
  /** Resolves to a function that releases the place. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createProcessPlaces(count: number): Places {
  const waiting: (() => void)[] = []
  let free = count
  const giveBack = () => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) free -= 1
      else await turn(signal)
      let isTaken = true
      return () => {
        if (isTaken) giveBack()
        isTaken = false
      }
    },
  }

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener("abort", leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(enter), 1)
        reject(signal.reason)
      }
      waiting.push(enter)
      signal.addEventListener("abort", leave, { once: true })
    })
  }
}

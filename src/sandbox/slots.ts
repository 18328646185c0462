/** Lets so many at once through; the others wait in order. */
export interface Slots {
  /** Resolves, with what gives the slot back, when one is free. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>
}

export function createSlots(capacity: number): Slots {
  let free = capacity
  const waiting = new Set<() => void>()
  const giveBack = () => {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }
  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) free -= 1
      else await turn(waiting, signal)
      let given = false
      return () => {
        if (!given) giveBack()
        given = true
      }
    },
  }
}

function turn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onTurn = () => {
      leave()
      resolve()
    }
    const onAbort = () => {
      leave()
      reject(signal.reason)
    }
    const leave = () => {
      waiting.delete(onTurn)
      signal.removeEventListener("abort", onAbort)
    }
    waiting.add(onTurn)
    signal.addEventListener("abort", onAbort, { once: true })
  })
}

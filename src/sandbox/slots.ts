/** Lets so many at once through, and of one holder at most a quarter of them (at least one); the others wait in order. */
export interface Slots {
  /** Resolves, with what gives the slot back, when it is the holder's turn. Rejects with the signal's reason. */
  take(holder: string, signal: AbortSignal): Promise<() => void>
}

interface Waiting {
  readonly holder: string
  begin(): void
}

export function createSlots(capacity: number): Slots {
  const share = Math.max(1, Math.floor(capacity / 4))
  let free = capacity
  const held = new Map<string, number>()
  const waiting = new Set<Waiting>()
  const heldBy = (holder: string) => held.get(holder) ?? 0
  const mayTake = (holder: string) => free > 0 && heldBy(holder) < share
  const count = (holder: string, change: 1 | -1) => {
    free -= change
    const now = heldBy(holder) + change
    if (now === 0) held.delete(holder)
    else held.set(holder, now)
  }
  return {
    async take(holder, signal) {
      signal.throwIfAborted()
      if (mayTake(holder)) count(holder, 1)
      else await turn(holder, signal)
      let given = false
      return () => {
        if (given) return
        given = true
        count(holder, -1)
        // One slot is given back, so it is one's turn: the first who has not its share already.
        for (const next of waiting) if (mayTake(next.holder)) return next.begin()
      }
    },
  }

  function turn(holder: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        leave()
        count(holder, 1)
        resolve()
      }
      const onAbort = () => {
        leave()
        reject(signal.reason)
      }
      const leave = () => {
        waiting.delete(entry)
        signal.removeEventListener("abort", onAbort)
      }
      const entry = { holder, begin }
      waiting.add(entry)
      signal.addEventListener("abort", onAbort, { once: true })
    })
  }
}

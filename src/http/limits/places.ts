import { Problem } from "../problem.ts"

/** A bounded number of places for each key, such as a session. */
export interface Places {
  /**
   * Takes places, one by default. Returns a function that gives them back once. Throws a 429 problem if too few are
   * left, unless none is taken: a request for more places than there are is served alone.
   */
  take(key: string, count?: number): () => void
}

export function createPlaces({
  max,
  code,
  message,
}: {
  readonly max: number
  readonly code: string
  readonly message: string
}): Places {
  const taken = new Map<string, number>()

  function giveBack(key: string, count: number): void {
    const left = (taken.get(key) ?? 0) - count
    if (left > 0) taken.set(key, left)
    else taken.delete(key)
  }

  return {
    take(key, count = 1) {
      const before = taken.get(key) ?? 0
      if (before > 0 && before + count > max) {
        throw new Problem({ code, status: 429 }, message, { headers: { "retry-after": "1" } })
      }
      taken.set(key, before + count)
      let isTaken = true
      return () => {
        if (isTaken) giveBack(key, count)
        isTaken = false
      }
    },
  }
}

import { createTally } from "../../core/fairness/tally.ts"
import { Problem } from "../problem.ts"

/** A bounded number of places for each key, such as a session. */
export interface Places {
  /**
   * Takes places, one by default. Returns a function that gives them back once. Throws a 429 problem if too few are
   * left, unless none is taken: a request for more places than there are is served alone.
   */
  take(key: string, count?: number): () => void
}

export function createKeyedPlaces({
  max,
  code,
  message,
}: {
  readonly max: number
  readonly code: string
  readonly message: string
}): Places {
  const taken = createTally()
  return {
    take(key, count = 1) {
      const before = taken.get(key)
      if (before > 0 && before + count > max) {
        throw new Problem({ code, status: 429 }, message, { headers: { "retry-after": "1" } })
      }
      taken.add(key, count)
      let isTaken = true
      return () => {
        if (isTaken) taken.add(key, -count)
        isTaken = false
      }
    },
  }
}

import { createAdmission } from "../../core/fairness/admission.ts"
import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import { createTally } from "../../core/fairness/tally.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"

/** Maximum bytes of a session that need not wait. The number of runs already bounds such sessions. */
const uncountedBytes = 256 * 1024
/** Maximum share of the memory for the sessions of one principal. */
const principalShare = 1 / 4

/**
 * Limits the bytes of conversations that this process holds for runs, of request bodies that it handles, or of
 * histories that it reads. A session that finds no room waits before it is loaded. Waiting sessions start in turns,
 * but a principal that has used its share waits only for its own sessions. A session that is alone may exceed all
 * limits.
 */
export interface LiveMemory {
  /** Resolves to a function that releases the memory. Rejects if the signal aborts first. */
  take(principal: Principal, bytes: number, signal: AbortSignal): Promise<() => void>
}

export function createLiveMemory({ maxBytes }: { readonly maxBytes: number }): LiveMemory {
  const heldBy = createTally()
  let held = 0

  function add(principal: Principal, bytes: number): void {
    heldBy.add(toPrincipalKey(principal), bytes)
    held += bytes
  }

  const sessions = createAdmission<number>({
    decide(principal, bytes) {
      const own = heldBy.get(toPrincipalKey(principal))
      if (own > 0 && own + bytes > maxBytes * principalShare) return "later"
      return held === 0 || held + bytes <= maxBytes ? "now" : "next"
    },
    start: add,
    end: (principal, bytes) => add(principal, -bytes),
  })

  return {
    async take(principal, bytes, signal) {
      signal.throwIfAborted()
      return bytes <= uncountedBytes ? () => {} : sessions.enter(principal, bytes, signal)
    },
  }
}

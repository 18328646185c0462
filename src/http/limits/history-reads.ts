import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import { createKeyedPlaces } from "./places.ts"

/** Maximum bytes of the sessions of one principal that are read at once. */
const maxBytesAtOnce = 64 * 1024 * 1024
/** Bytes that a page counts for, and the minimum of a whole session. */
const leastBytes = 256 * 1024

/** Limits the stored conversations that one principal reads at once. All protocols share the limit. */
export interface HistoryReads {
  /** Starts a read. Returns a function that ends it. Throws a 429 problem if the user reads too much at once. */
  take(session: Session, part: "page" | "whole"): () => void
}

export function createHistoryReads(): HistoryReads {
  const places = createKeyedPlaces({
    max: maxBytesAtOnce,
    code: "too_many_history_reads",
    message:
      "Too many requests of this user read histories at once. Try again after the delay in the retry-after header.",
  })
  return {
    take: (session, part) =>
      places.take(
        toPrincipalKey(session),
        part === "page" ? leastBytes : Math.max(session.storedBytes, leastBytes),
      ),
  }
}

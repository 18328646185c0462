import type { CompactableHistory } from "../core/ports/compaction.ts"
import type { ResolvedCompactionSettings } from "./options.ts"

/** Share of a request that is left after a service refused it as too long. */
const shareAfterRefusal = 0.5

/** Returns the tokens that the request may have. */
export function requestLimit(
  { requestTokens, maxTokens, isRefused }: CompactableHistory,
  window: number | null,
  { share, trigger = Number.POSITIVE_INFINITY }: ResolvedCompactionSettings,
): number {
  const afterRefusal = isRefused ? requestTokens * shareAfterRefusal : Number.POSITIVE_INFINITY
  if (window === null) return Math.min(afterRefusal, trigger)
  // The response has to fit as well. A cap of more than half the window is not meant to be reached.
  const besideResponse = Math.max(window / 2, window - maxTokens)
  return Math.min(share * window, trigger, besideResponse, afterRefusal)
}

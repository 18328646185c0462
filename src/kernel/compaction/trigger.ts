import type { CompactableHistory } from "../../core/ports/model/compaction.ts"
import type { ResolvedCompactionSettings } from "./options.ts"

/** Share of a request that remains after a provider refused it as too long. */
const shareAfterRefusal = 0.5

/** Returns the maximum tokens of the request. */
export function computeRequestLimit(
  { requestTokens, maxTokens, isRefused }: CompactableHistory,
  window: number | null,
  { share, trigger = Number.POSITIVE_INFINITY }: ResolvedCompactionSettings,
): number {
  const afterRefusal = isRefused ? requestTokens * shareAfterRefusal : Number.POSITIVE_INFINITY
  if (window === null) return Math.min(afterRefusal, trigger)
  // The response must fit as well. A limit of more than half the window is not expected to be reached.
  const besideResponse = Math.max(window / 2, window - maxTokens)
  return Math.min(share * window, trigger, besideResponse, afterRefusal)
}

import type { Provider } from "../../core/ports/provider.ts"
import { isSelfHosted } from "./self-hosted.ts"

/** Time limits of a provider's calls, as its address and options imply them. */
export function callLimits(
  baseURL: string,
  timeoutMs: number | undefined,
): Pick<Provider, "firstTokenTimeoutMs" | "selfHosted"> {
  return {
    selfHosted: isSelfHosted(baseURL),
    ...(timeoutMs !== undefined && { firstTokenTimeoutMs: timeoutMs }),
  }
}

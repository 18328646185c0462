import type { Provider } from "../../../core/ports/model/provider.ts"
import { isSelfHosted } from "./self-hosted.ts"

/** Returns the time limits of a provider's calls, from its address and options. */
export function callLimits(
  baseURL: string,
  timeoutMs: number | undefined,
): Pick<Provider, "firstTokenTimeoutMs" | "selfHosted"> {
  return {
    selfHosted: isSelfHosted(baseURL),
    ...(timeoutMs !== undefined && { firstTokenTimeoutMs: timeoutMs }),
  }
}

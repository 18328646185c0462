import type { Provider } from "../core/ports/provider.ts"
import { isSelfHosted } from "./self-hosted.ts"

/** What a provider's address and options say about the time that its calls take. */
export function callLimits(
  baseURL: string,
  timeoutMs: number | undefined,
): Pick<Provider, "firstTokenTimeoutMs" | "selfHosted"> {
  return {
    selfHosted: isSelfHosted(baseURL),
    ...(timeoutMs !== undefined && { firstTokenTimeoutMs: timeoutMs }),
  }
}

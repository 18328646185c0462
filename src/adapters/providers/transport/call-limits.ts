import { isIP } from "node:net"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { isPrivateAddress, readHost } from "../../../platform/network/private-address.ts"

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

/** Names that no public DNS has: names without a dot, as in a Compose file, and names of local networks. */
const localName = /^[^.]+$|\.(localhost|local|internal|lan|home\.arpa)$/i

/** Returns true if the address belongs to the operator's own network, judged by its text alone. */
export function isSelfHosted(baseURL: string): boolean {
  const host = readHost(baseURL)
  return isIP(host) === 0 ? localName.test(host) : isPrivateAddress(host)
}

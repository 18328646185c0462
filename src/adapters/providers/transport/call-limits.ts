import { BlockList, isIP } from "node:net"
import type { Provider } from "../../../core/ports/model/provider.ts"

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

const privateAddresses = new BlockList()
privateAddresses.addSubnet("127.0.0.0", 8)
privateAddresses.addSubnet("10.0.0.0", 8)
privateAddresses.addSubnet("172.16.0.0", 12)
privateAddresses.addSubnet("192.168.0.0", 16)
privateAddresses.addSubnet("169.254.0.0", 16)
privateAddresses.addAddress("0.0.0.0")
privateAddresses.addAddress("::1", "ipv6")
privateAddresses.addSubnet("fc00::", 7, "ipv6")
privateAddresses.addSubnet("fe80::", 10, "ipv6")

/** Names that no public DNS has: names without a dot, as in a Compose file, and names of local networks. */
const localName = /^[^.]+$|\.(localhost|local|internal|lan|home\.arpa)$/i

/** Returns true if the address belongs to the operator's own network, judged by its text alone. */
export function isSelfHosted(baseURL: string): boolean {
  const host = new URL(baseURL).hostname.replace(/^\[(.*)\]$/, "$1")
  const version = isIP(host)
  return version === 0 ? localName.test(host) : privateAddresses.check(host, version === 4 ? "ipv4" : "ipv6")
}

import { lookup } from "node:dns/promises"
import { BlockList, isIP } from "node:net"
import { UndeliverableError } from "../../core/errors.ts"

/** The special ranges of RFC 6890 and its successors. */
const privateAddresses = new BlockList()
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  privateAddresses.addSubnet(net, prefix)
for (const [net, prefix] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  privateAddresses.addSubnet(net, prefix, "ipv6")

/**
 * Returns true for an address that is not on the public Internet. IPv4 addresses embedded in IPv6 are checked as
 * IPv4.
 */
export function isPrivateAddress(address: string): boolean {
  return privateAddresses.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
}

/** Returns the host of an address, without the brackets of IPv6. */
export function readHost(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, "$1")
}

/** Returns the error of a delivery to a private address. `channel` is the name of the channel in the options. */
export function createRefusal(host: string, channel: string): UndeliverableError {
  return new UndeliverableError(
    `${host} has an address of a private network or of this machine, so nothing is sent there. If that is meant, set ` +
      `allowPrivateAddresses: true beside the address: delivery({ ${channel}: { …, allowPrivateAddresses: true } }).`,
  )
}

/** A channel that posts to an address. */
export interface PostChannel {
  /** Name of the channel in the options. */
  readonly channel: "webhook" | "slack"
  readonly url: string
  readonly allowPrivateAddresses: boolean
}

/**
 * Resolves to the reason why deliveries to this address would be refused, before the first one is made. Null if they
 * would not. Only if `resolves` is true, the name of the host is looked up. A name that cannot be looked up now is no
 * reason.
 */
export async function findRefusal(
  { channel, url, allowPrivateAddresses }: PostChannel,
  { resolves }: { readonly resolves: boolean },
): Promise<string | null> {
  if (allowPrivateAddresses) return null
  const host = readHost(url)
  const addresses =
    isIP(host) !== 0 ? [host] : isLocalName(host) ? ["127.0.0.1"] : resolves ? await lookUp(host) : []
  return addresses.some(isPrivateAddress) ? createRefusal(host, channel).message : null
}

function isLocalName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost")
}

async function lookUp(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // The network may be away. A delivery would be tried again later.
    return []
  }
}

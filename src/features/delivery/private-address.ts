import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import { UndeliverableError } from "../../core/errors.ts"
import { isPrivateAddress, readHost } from "../../platform/network/private-address.ts"

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

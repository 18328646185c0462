import { lookup } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { isPrivateAddress, readHost } from "./private-address.ts"

/**
 * Returns the options with which Node's `request` connects to public addresses only. A name is resolved once, and the
 * connection uses the checked address. Throws the error of `createRefusal` if the host of the URL is a private address.
 * The request fails with it if the host's name has one.
 */
export function onlyPublic(
  url: string,
  createRefusal: (host: string) => Error,
): { readonly lookup: LookupFunction } {
  const host = readHost(url)
  if (isIP(host) !== 0 && isPrivateAddress(host)) throw createRefusal(host)
  return {
    lookup: (name, options, callback) => {
      lookup(name, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, [])
        if (addresses.some(({ address }) => isPrivateAddress(address)))
          return callback(createRefusal(name), [])
        if (options.all === true) return callback(null, addresses)
        const [first] = addresses
        if (first === undefined) return callback(new Error(`${name} has no address.`), [])
        callback(null, first.address, first.family)
      })
    },
  }
}

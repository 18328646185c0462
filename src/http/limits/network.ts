import { isIPv6 } from "node:net"

const groups = 8
/** Number of groups in the smallest IPv6 network of one customer (RFC 6177). Addresses within it cost nothing. */
const groupsOfNetwork = 4

/** Returns the network of an address: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function computeNetwork(address: string): string {
  const [plain = ""] = address.split("%")
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(plain)) return plain
  const [head = "", tail] = toCanonicalAddress(plain).split("::")
  const left = head.split(":").filter(Boolean)
  const right = (tail ?? "").split(":").filter(Boolean)
  const zeros = tail === undefined ? 0 : groups - left.length - right.length
  const all = [...left, ...Array<string>(zeros).fill("0"), ...right]
  return `${all.slice(0, groupsOfNetwork).join(":")}::/64`
}

/** Returns the address in lower case, without leading zeros, and without a dotted end (RFC 5952). */
function toCanonicalAddress(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

import { BlockList, isIP } from "node:net"

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

import { isLoopbackAddress, isLoopbackName } from "../../http/host-guard.ts"

/**
 * Returns the address to print. A name that only leads to this machine is replaced by its address: the gateway does not
 * serve requests for that name, because whoever owns the name could have it lead elsewhere.
 */
export function listenerUrl({
  host,
  address,
  port,
}: {
  readonly host: string
  /** The address that the server listens on. */
  readonly address: string
  readonly port: number
}): string {
  const isOwnName = host !== "" && (!isLoopbackAddress(address) || isLoopbackName(host.toLowerCase()))
  const name = isOwnName ? host : address
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}

import { isLoopbackAddress, isLoopbackName } from "../../http/middleware/host-guard.ts"

/**
 * Returns the address to print. If a name only leads to this machine, its address replaces it. The gateway does not
 * serve requests for that name, because the owner of the name could make it lead elsewhere.
 */
export function formatListenerUrl({
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

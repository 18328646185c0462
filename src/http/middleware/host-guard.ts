import { isIP } from "node:net"
import type { Context, MiddlewareHandler } from "hono"
import { ConfigurationError } from "../../core/errors.ts"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import { readHost } from "../request/own-address.ts"

export interface HostCheckOptions {
  /**
   * Host names that are allowed in addition to the safe ones; `*` for every name. If undefined, names are checked
   * only if necessary.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** The gateway's address as clients reach it. Its host is allowed too. */
  readonly publicUrl?: string | undefined
}

export interface HostGuardOptions extends HostCheckOptions {
  /** If true, anyone who reaches the gateway may use it, so a page in a browser must not reach it. */
  readonly open: boolean
  /** Origins that CORS allows. */
  readonly origins: readonly string[]
}

/**
 * Refuses requests that a web page of another site made a browser send (DNS rebinding). Such a page resolves its own
 * name to the gateway's address. The request then names that host, and the browser treats page and gateway as one
 * site.
 *
 * An open gateway refuses pages of other origins, and on its own server host names that an attacker can register. With
 * API keys this is not needed, because the page has no key. A mounted gateway leaves the host to the app's server,
 * unless `allowedHosts` is set.
 */
export function createHostGuard({
  open,
  allowedHosts,
  publicUrl,
  origins,
}: HostGuardOptions): MiddlewareHandler<HttpEnv> {
  const requireHost = createHostCheck({ allowedHosts, publicUrl })
  const allowedOrigins = new Set(publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin])

  return async (c, next) => {
    if ((open && c.env?.ownServer !== undefined) || allowedHosts !== undefined) requireHost(c)
    if (open) requireOrigin(c)
    await next()
  }

  function requireOrigin(c: Context<HttpEnv>): void {
    const origin = c.req.header("origin")
    if (origin === undefined || allowedOrigins.has("*") || allowedOrigins.has(origin)) return
    const url = URL.canParse(origin) ? new URL(origin) : null
    // The page belongs to the host of the gateway, which was checked here or by the app's server.
    if (url !== null && (isLoopbackName(url.hostname) || url.host === readHost(c).toLowerCase())) return
    throw new Problem(
      { code: "origin_not_allowed", status: 403 },
      "Pages of this origin may not use the gateway. To allow them, add the origin to the option corsOrigins.",
    )
  }
}

/** Returns a check that throws a problem if the request names a host that is neither allowed nor safe. */
export function createHostCheck({
  allowedHosts = [],
  publicUrl,
}: HostCheckOptions): (c: Context<HttpEnv>) => void {
  for (const host of allowedHosts) refuseMisspelt(host)
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()))
  const publicName = publicUrl === undefined ? null : parseHostName(new URL(publicUrl).host)
  if (publicName !== null) allowed.add(publicName)
  return (c) => {
    const name = parseHostName(readHost(c))
    const reach = c.env?.ownServer?.reach ?? "network"
    if (allowed.has("*") || (name !== null && (allowed.has(name) || isSafe(name, reach)))) return
    throw new Problem(
      { code: "host_not_allowed", status: 421 },
      "The request names a host that this gateway does not serve. If the name is the gateway's, " +
        "set it in the option publicUrl or allowedHosts.",
    )
  }
}

/** The network from which the address of the gateway's own server can be reached. */
export type Reach = "loopback" | "network"

/** Returns the host in lower case, without the port and without the brackets of IPv6. Null if it is not a host. */
function parseHostName(host: string): string | null {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return null
  const { hostname } = new URL(`http://${host}`)
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")
}

/**
 * Returns true for names that no one can register. Addresses and names without a dot are only relevant if the network
 * reaches the gateway.
 */
function isSafe(name: string, reach: Reach): boolean {
  return isLoopbackName(name) || (reach === "network" && (isIP(name) !== 0 || !name.includes(".")))
}

/** Returns true for loopback names. The name must be in lower case. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name)
}

/** Returns true for loopback addresses: IPv4, IPv6 with or without brackets, and IPv4 embedded in IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^\[(.*)\]$/, "$1")
  // In URLs the embedded IPv4 address is hexadecimal.
  if (plain === "::1" || /^::ffff:7f[\da-f]{2}:[\da-f]{1,4}$/i.test(plain)) return true
  const ipv4 = plain.replace(/^::ffff:/i, "")
  return isIP(ipv4) === 4 && ipv4.startsWith("127.")
}

function refuseMisspelt(host: string): void {
  if (host === "*" || parseHostName(host) === host.toLowerCase()) return
  throw new ConfigurationError(
    `allowedHosts: "${host}" is not a host name; write it like "gateway.example.com", without a scheme or port.`,
  )
}

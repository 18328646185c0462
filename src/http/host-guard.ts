import { isIP } from "node:net"
import type { Context, MiddlewareHandler } from "hono"
import { ConfigurationError } from "../core/errors.ts"
import type { HttpEnv } from "./http-env.ts"
import { Problem } from "./problem.ts"

export interface HostGuardOptions {
  /** If true, anyone who reaches the gateway may use it, so that a page in a browser must not reach it. */
  readonly open: boolean
  /** Host names besides the safe ones; `*` for every name. Undefined: checked only where that is needed. */
  readonly allowedHosts: readonly string[] | undefined
  /** Origins that CORS allows. */
  readonly origins: readonly string[]
}

/**
 * Refuses requests that a web page of another site made a browser send (DNS rebinding). Such a page resolves a name
 * of its own to the gateway's address: the request then names that host, and the browser takes page and gateway for
 * one site.
 *
 * An open gateway on its own server refuses host names that an attacker can register, and pages of other origins. With
 * API keys that is not needed, because the page has no key. A mounted gateway leaves it to the app's server, unless
 * `allowedHosts` is set.
 */
export function hostGuard({ open, allowedHosts, origins }: HostGuardOptions): MiddlewareHandler<HttpEnv> {
  for (const host of allowedHosts ?? []) refuseMisspelt(host)
  const allowed = new Set(allowedHosts?.map((host) => host.toLowerCase()))
  const allowedOrigins = new Set(origins)

  return async (c, next) => {
    const server = c.env?.ownServer
    const exposed = open && server !== undefined
    if (exposed || allowedHosts !== undefined) requireHost(c, server?.reach ?? "network")
    if (exposed) requireOrigin(c)
    await next()
  }

  function requireHost(c: Context<HttpEnv>, reach: Reach): void {
    const name = hostName(hostOf(c))
    if (allowed.has("*") || (name !== null && (allowed.has(name) || isSafe(name, reach)))) return
    throw new Problem(
      { code: "host_not_allowed", status: 421 },
      "The request names a host that this gateway does not serve. If the name is the gateway's, " +
        "add it to the option allowedHosts.",
    )
  }

  function requireOrigin(c: Context<HttpEnv>): void {
    const origin = c.req.header("origin")
    if (origin === undefined || allowedOrigins.has("*") || allowedOrigins.has(origin)) return
    const url = URL.canParse(origin) ? new URL(origin) : null
    // A page of the host that was just found to be allowed.
    if (url !== null && (isLoopbackName(url.hostname) || url.host === hostOf(c).toLowerCase())) return
    throw new Problem(
      { code: "origin_not_allowed", status: 403 },
      "Pages of this origin may not use the gateway. To allow them, add the origin to the option corsOrigins.",
    )
  }
}

/** The addresses that the gateway's own server listens on. */
export type Reach = "loopback" | "network"

function hostOf(c: Context<HttpEnv>): string {
  const target = c.env?.ownServer?.response.req?.url ?? ""
  // A request for a whole address is for the host in it, whatever the header says (RFC 9112, section 3.2.2).
  if (URL.canParse(target)) return new URL(target).host
  return c.req.header("host") ?? new URL(c.req.url).host
}

/** Lower case, without the port, IPv6 addresses without brackets. Null if it is not a host. */
function hostName(host: string): string | null {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return null
  const { hostname } = new URL(`http://${host}`)
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")
}

/**
 * Names that no one can register. Addresses and names without a dot only matter where the network reaches the
 * gateway.
 */
function isSafe(name: string, reach: Reach): boolean {
  return isLoopbackName(name) || (reach === "network" && (isIP(name) !== 0 || !name.includes(".")))
}

/** Takes a name in lower case. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name)
}

/** Takes an IPv6 address with or without brackets, and IPv4 addresses as a part of one. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^\[(.*)\]$/, "$1")
  // In URLs the IPv4 address is hexadecimal.
  if (plain === "::1" || /^::ffff:7f[\da-f]{2}:[\da-f]{1,4}$/i.test(plain)) return true
  const ipv4 = plain.replace(/^::ffff:/i, "")
  return isIP(ipv4) === 4 && ipv4.startsWith("127.")
}

function refuseMisspelt(host: string): void {
  if (host === "*" || hostName(host) === host.toLowerCase()) return
  throw new ConfigurationError(
    `allowedHosts: "${host}" is not a host name; write it like "gateway.example.com", without a scheme or port.`,
  )
}

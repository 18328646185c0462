import type { Context } from "hono"
import type { HttpEnv } from "../http-env.ts"

/**
 * Returns what the outermost of the gateway's proxies reported in a header to which each proxy appends. The client
 * wrote everything further left, so it is ignored.
 */
export function selectOutermost(header: string, proxies: number): string {
  const values = header.split(",")
  return values[Math.max(values.length - proxies, 0)]?.trim() ?? ""
}

/**
 * Names of headers by which proxies and tunnels report that a request came from elsewhere. No browser sends them.
 * VS Code dev tunnels and `ngrok --host-header` also replace the host by `localhost`, so nothing else shows them.
 */
const forwardingHeaders: readonly RegExp[] = [
  // RFC 7239, and what nearly every proxy and tunnel sends.
  /^(x-)?forwarded(-.+)?$/,
  // RFC 9110, section 7.6.3; RFC 8586.
  /^(via|cdn-loop)$/,
  /^(x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|x-envoy-.+|x-nginx-proxy)$/,
  // Dev tunnels, ngrok, and Expose keep the host that the client named.
  /^x-original-(host|proto|for|uri|url|forwarded-.+)$/,
  // cloudflared; Tailscale serve and funnel; ngrok; dev tunnels; localtunnel; Expose.
  /^(cf|tailscale|ngrok|x-tunnel|x-expose|x-exposed)-/,
  /^bypass-tunnel-reminder$/,
]

/** Returns true if a proxy or a tunnel passed the request on. Those that only forward bytes cannot be recognized. */
export function isForwarded(c: Context<HttpEnv>): boolean {
  return [...c.req.raw.headers.keys()].some((name) => forwardingHeaders.some((known) => known.test(name)))
}

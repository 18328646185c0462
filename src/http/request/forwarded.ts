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

/** Returns true if the client used HTTPS: with the gateway itself, or with the proxies in front of it. */
export function isSecure(c: Context<HttpEnv>, trustProxy: number): boolean {
  if (c.req.url.startsWith("https:")) return true
  const forwarded = c.req.header("x-forwarded-proto") ?? ""
  return trustProxy > 0 && selectOutermost(forwarded, trustProxy).toLowerCase() === "https"
}

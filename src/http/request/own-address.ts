import type { Context } from "hono"
import { z } from "zod"
import type { HttpEnv } from "../http-env.ts"
import { selectOutermost } from "./forwarded.ts"

export interface OwnAddressOptions {
  /** The gateway's address as clients reach it. Undefined if only requests show it. */
  readonly publicUrl?: string | undefined
  readonly trustProxy: number
}

/** Resolves to the address without a slash at its end, so that a path can follow. */
export const publicUrlSchema: z.ZodType<string, string> = z
  .url({ protocol: /^https?$/, error: 'expected a URL like "https://agents.example.com"' })
  .transform((text) => new URL(text))
  .refine(({ username, password }) => username === "" && password === "", "must have no user and no password")
  .refine(({ href }) => !/[?#]/.test(href), "must have no query and no fragment")
  .transform(({ origin, pathname }) => `${origin}${pathname.replace(/\/+$/, "")}`)

/** Returns the host and the port that the request names. */
export function readHost(c: Context<HttpEnv>): string {
  const target = c.env?.ownServer?.response.req?.url ?? ""
  // A request for an absolute URL is for the host in it, whatever the header contains (RFC 9112, section 3.2.2).
  if (URL.canParse(target)) return new URL(target).host
  return c.req.header("host") ?? new URL(c.req.url).host
}

/** Returns true if the client used HTTPS: with the gateway itself, or with the proxies in front of it. */
export function isSecure(c: Context<HttpEnv>, { publicUrl, trustProxy }: OwnAddressOptions): boolean {
  if (c.req.url.startsWith("https:")) return true
  if (publicUrl?.startsWith("https:") && new URL(publicUrl).host === readHost(c).toLowerCase()) return true
  const forwarded = c.req.header("x-forwarded-proto") ?? ""
  return trustProxy > 0 && selectOutermost(forwarded, trustProxy).toLowerCase() === "https"
}

/**
 * Returns true for the gateway's own pages: those of its public address, otherwise of the address in the request. A
 * page by https is then its own even if the gateway does not know of the proxy that ends TLS. A page by http is not,
 * if the gateway is reached by https.
 */
export function isOwnOrigin(c: Context<HttpEnv>, origin: string, options: OwnAddressOptions): boolean {
  if (options.publicUrl !== undefined) return origin === new URL(options.publicUrl).origin
  if (!URL.canParse(origin)) return false
  const { protocol, host } = new URL(origin)
  const own = `${protocol}//${readHost(c)}`
  if (!URL.canParse(own) || new URL(own).host !== host) return false
  return protocol === "https:" || (protocol === "http:" && !isSecure(c, options))
}

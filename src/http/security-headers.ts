import type { Context, MiddlewareHandler } from "hono"
import type { HttpEnv } from "./http-env.ts"

/**
 * Headers of every response, problems and streams included. Only a page brings a content security policy of its own.
 * Browsers may neither guess a type, frame a response, nor load it from another site's markup.
 * `cross-origin-resource-policy` does not hinder origins that CORS allows: the Fetch standard asks it of `no-cors`
 * requests alone.
 */
const always = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const

/** For responses that are no pages. */
const noContentPolicy = "default-src 'none'; frame-ancestors 'none'"

/** One year; without subdomains, which may be others'. */
const transportSecurity = "max-age=31536000"

export function securityHeaders({ trustProxy }: { readonly trustProxy: number }): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next()
    // Every `c.header` would make the response anew.
    const { headers } = c.res
    for (const [name, value] of Object.entries(always)) headers.set(name, value)
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", noContentPolicy)
    if (isSecure(c, trustProxy)) headers.set("strict-transport-security", transportSecurity)
    // Tokens and conversations are nobody's to keep; a stream has its own word on that.
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store")
  }
}

/** Over plain HTTP the header means nothing (RFC 6797, section 7.2). */
function isSecure(c: Context<HttpEnv>, trustProxy: number): boolean {
  if (c.req.url.startsWith("https:")) return true
  const [outermost] = (c.req.header("x-forwarded-proto") ?? "").split(",")
  return trustProxy > 0 && outermost?.trim().toLowerCase() === "https"
}

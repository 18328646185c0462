import type { MiddlewareHandler } from "hono"
import type { HttpEnv } from "../http-env.ts"
import { isSecure, type OwnAddressOptions } from "../request/own-address.ts"

/**
 * Headers of every response, including problems and streams. Only pages set their own content security policy.
 * Browsers may not guess a type, frame a response, or load it from another site's markup.
 * `cross-origin-resource-policy` does not affect origins that CORS allows, because the Fetch standard applies it to
 * `no-cors` requests only.
 */
const always = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const

/** For responses that are not pages. */
const unlessPage = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  // Caches must not keep tokens and conversations. A stream sets its own value.
  "cache-control": "no-store",
} as const

/** Headers of responses that do not come from the app, such as to a request that is not valid HTTP. */
export const securityHeaders = { ...always, ...unlessPage } as const

/** One year, without subdomains, which may belong to others. */
const transportSecurity = "max-age=31536000"

export function createSecurityHeaders(options: OwnAddressOptions): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    await next()
    // Each call of `c.header` would create a new response.
    const { headers } = c.res
    for (const [name, value] of Object.entries(always)) headers.set(name, value)
    for (const [name, value] of Object.entries(unlessPage)) if (!headers.has(name)) headers.set(name, value)
    // Over plain HTTP the header has no effect (RFC 6797, section 7.2).
    if (isSecure(c, options)) headers.set("strict-transport-security", transportSecurity)
  }
}

import type { MiddlewareHandler } from "hono"
import { cors } from "hono/cors"
import { ConfigurationError } from "../core/errors.ts"

export interface CorsOptions {
  /** Origins as browsers send them (`https://app.example.com`); `*` for all, which is never the default. */
  readonly origins: readonly string[]
  /** Also any port of this very machine's loopback names. */
  readonly allowLocalhost: boolean
  /** Request headers that pages may send besides those of the gateway's API. */
  readonly allowHeaders: readonly string[]
  /** Methods that pages may use besides those of the gateway's API. */
  readonly allowMethods: readonly string[]
}

/** Browsers may cache a preflight's answer for this long. */
const preflightMaxAgeSeconds = 600

/** Lets pages of the named origins call the gateway, on every response: streams and problems too. */
export function crossOrigin(options: CorsOptions): MiddlewareHandler {
  const { origins, allowLocalhost, allowHeaders, allowMethods } = options
  for (const origin of origins) refuseMisspelt(origin)
  const allowed = new Set(origins)
  return cors({
    origin: (origin) => {
      if (allowed.has("*")) return "*"
      return allowed.has(origin) || (allowLocalhost && isLocalhost(origin)) ? origin : null
    },
    allowMethods: [...new Set(["GET", "POST", "DELETE", ...allowMethods])],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "last-event-id", ...allowHeaders],
    exposeHeaders: ["x-run-id", "x-cursor", "retry-after", "ratelimit", "ratelimit-policy"],
    maxAge: preflightMaxAgeSeconds,
  })
}

/** An origin with a path or a trailing slash would never match, and nobody would know why. */
function refuseMisspelt(origin: string): void {
  if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) return
  throw new ConfigurationError(
    `corsOrigins: "${origin}" is not an origin. Write it like "https://app.example.com".`,
  )
}

function isLocalhost(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin)
}

import type { MiddlewareHandler } from "hono"
import { cors } from "hono/cors"
import { ConfigurationError } from "../../core/errors.ts"

export interface CorsOptions {
  /** Origins as browsers send them (`https://app.example.com`), or `*` for all origins. There is no default. */
  readonly origins: readonly string[]
  /** If true, any port of this machine's loopback names is allowed as well. */
  readonly allowLocalhost: boolean
  /** Request headers that pages may send in addition to those of the gateway's API. */
  readonly allowHeaders: readonly string[]
  /** Methods that pages may use in addition to those of the gateway's API. */
  readonly allowMethods: readonly string[]
}

/** Seconds for which browsers may cache the response to a preflight. */
const preflightMaxAgeSeconds = 600

/**
 * Allows pages of the configured origins to call the gateway. The headers are on every response, including streams
 * and problems.
 */
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

/** Refuses an origin with a path or a trailing slash, which would silently never match. */
function refuseMisspelt(origin: string): void {
  if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) return
  throw new ConfigurationError(
    `corsOrigins: "${origin}" is not an origin. Write it like "https://app.example.com".`,
  )
}

function isLocalhost(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin)
}

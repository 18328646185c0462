import type { MiddlewareHandler } from "hono"
import { cors } from "hono/cors"
import { ConfigurationError } from "../../core/errors.ts"
import type { Resolved } from "../../platform/options/declare-options.ts"
import type { CorsOptions, corsOptions } from "./cors-options.ts"

export interface CrossOriginOptions extends Resolved<CorsOptions, typeof corsOptions> {
  /** If true, any port of this machine's loopback names is allowed as well. */
  readonly allowLocalhost: boolean
  /** If true, pages of the configured origins may send cookies. */
  readonly allowCredentials: boolean
  /** Paths, with all paths below them, that only the gateway's own pages may call. */
  readonly ownPaths: readonly string[]
}

/** Request headers of the API, and those that TanStack AI and the OpenAI SDK add. */
const clientHeaders = [
  ...["authorization", "content-type", "idempotency-key", "last-event-id", "user-agent", "x-run-id"],
  ...[
    "x-stainless-arch",
    "x-stainless-custom-poll-interval",
    "x-stainless-helper-method",
    "x-stainless-lang",
  ],
  ...["x-stainless-os", "x-stainless-package-version", "x-stainless-poll-helper", "x-stainless-retry-count"],
  ...["x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout"],
]

/** Seconds for which browsers may cache the response to a preflight. */
const preflightMaxAgeSeconds = 600

/**
 * Allows pages of the configured origins to call the gateway. The headers are on every response, including streams
 * and problems, except on the paths of operators.
 */
export function createCors(options: CrossOriginOptions): MiddlewareHandler {
  const { corsOrigins: origins, allowLocalhost } = options
  const { corsAllowHeaders: allowHeaders, corsAllowMethods: allowMethods } = options
  for (const origin of origins) refuseMisspelt(origin)
  const allowed = new Set(origins)
  if (options.allowCredentials && allowed.has("*")) {
    throw new ConfigurationError(
      'corsOrigins: with authenticate, "*" would let pages of every site act for their visitors. Name the origins.',
    )
  }
  const common = {
    allowMethods: [...new Set(["GET", "POST", "DELETE", ...allowMethods])],
    allowHeaders: [...clientHeaders, ...allowHeaders],
    exposeHeaders: ["x-run-id", "x-cursor", "x-should-retry", "retry-after", "ratelimit", "ratelimit-policy"],
    maxAge: preflightMaxAgeSeconds,
  }
  const findOrigin = (origin: string) => {
    if (allowed.has("*")) return "*"
    return allowed.has(origin) || (allowLocalhost && isLocalhost(origin)) ? origin : null
  }
  const withoutCredentials = cors({ ...common, origin: findOrigin })
  const withCredentials = cors({ ...common, origin: findOrigin, credentials: true })
  return (c, next) => {
    const { path } = c.req
    if (options.ownPaths.some((own) => path === own || path.startsWith(`${own}/`))) return next()
    const isNamed = allowed.has(c.req.header("origin") ?? "")
    return (options.allowCredentials && isNamed ? withCredentials : withoutCredentials)(c, next)
  }
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

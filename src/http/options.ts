import { z } from "zod"
import { declareOptions, type Resolved } from "../options/declare-options.ts"
import { callback, count, texts } from "../options/schemas.ts"
import type { AuthenticatePerson } from "./auth/identify.ts"
import { type TokenOptions, tokenOptions } from "./auth/tokens.ts"
import { type RequestLimits, requestLimits } from "./body/request-limits.ts"
import { type RateLimits, rateLimits } from "./limits/rate-limits.ts"
import { type CorsOptions, corsOptions } from "./middleware/cors.ts"

/** Options of the HTTP API. All are optional. */
export interface HttpOptions extends TokenOptions, CorsOptions {
  /** Path prefix of all routes; `/` for none. Default `/api`. */
  readonly prefix?: string
  /** API keys that `POST /chat/init` accepts. Default: any key that is not empty, with a warning at the start. */
  readonly validApiKeys?: readonly string[]
  /**
   * A custom identity provider in place of API keys. Returns the person who sent this request to `/chat/init`, or
   * null. If it rejects, the response is 503.
   */
  readonly authenticate?: AuthenticatePerson
  /** If true, clients may send `system` messages. Default false. */
  readonly allowSystemMessages?: boolean
  /**
   * If true, `listen` may use an address that other machines reach although any API key is accepted. Anyone who
   * reaches the address can then use the agent. Default false: such a start is refused.
   */
  readonly allowAnyKey?: boolean
  /**
   * Host names that requests may name, in addition to loopback names, addresses and names without a dot; `"*"` for
   * every name. Default: names are checked only on the gateway's own server, while any API key is accepted or with
   * `dev`.
   */
  readonly allowedHosts?: readonly string[]
  /** Requests a minute, counted in each process. False for no limits. */
  readonly rateLimits?: false | Partial<RateLimits>
  /** Number of proxies before the gateway, each of which appends to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number
}

/** Limits of requests and streams, members of the option `limits`. */
export interface HttpLimits extends RequestLimits {
  /**
   * Maximum number of open connections from one network address, on the gateway's own server. Not counted with
   * `trustProxy`, because all connections then come from the proxy. Default 1 000.
   */
  readonly connectionsPerAddress: number
  /** Maximum number of open event streams of one session in this process. Default 100. */
  readonly viewersPerSession: number
}

export const httpLimits = declareOptions<Partial<HttpLimits>>()({
  ...requestLimits,
  connectionsPerAddress: count.default(1_000),
  viewersPerSession: count.default(100),
})

export const httpOptions = declareOptions<HttpOptions>()({
  ...tokenOptions,
  ...corsOptions,
  prefix: z
    .string()
    .regex(/^(\/|(\/[\w.~-]+)+)$/, 'expected a path like "/api"')
    .default("/api"),
  validApiKeys: texts.optional(),
  authenticate: callback<AuthenticatePerson>().optional(),
  allowSystemMessages: z.boolean().default(false),
  allowAnyKey: z.boolean().default(false),
  allowedHosts: texts.optional(),
  rateLimits: z.union([z.literal(false), z.strictObject(rateLimits)]).prefault({}),
  trustProxy: z.int().nonnegative().default(0),
})

export type ResolvedHttpOptions = Resolved<HttpOptions, typeof httpOptions>

/** Returns false while any API key is accepted, because a client can then claim to be any user. */
export function knowsUsers({ validApiKeys, authenticate }: HttpOptions): boolean {
  return validApiKeys !== undefined || authenticate !== undefined
}

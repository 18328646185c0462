import { z } from "zod"
import { declareOptions, type Resolved } from "../platform/options/declare-options.ts"
import { createFunctionSchema, texts } from "../platform/options/schemas.ts"
import { type ApiKey, apiKeys } from "./auth/api-keys.ts"
import type { AuthenticatePerson } from "./auth/identify.ts"
import { type TokenOptions, tokenOptions } from "./auth/token-options.ts"
import { type RateLimits, rateLimits } from "./limits/rate-limit-options.ts"
import { type CorsOptions, corsOptions } from "./middleware/cors-options.ts"
import { publicUrlSchema } from "./request/own-address.ts"

/** Options of the HTTP API. All are optional. */
export interface HttpOptions extends TokenOptions, CorsOptions {
  /** Path prefix of all routes; `/` for none. Default `/api`. */
  readonly prefix?: string
  /**
   * The gateway's address as clients reach it, without the prefix, such as `https://agents.example.com`. Its host and
   * its pages are then the gateway's own. Default: the address in each request.
   */
  readonly publicUrl?: string
  /**
   * API keys of the servers that use the gateway. A key is a text, or `{ key, tenant }`: the sessions of a named tenant
   * outlive the key. Default: any key that is not empty, with one warning in the log.
   */
  readonly validApiKeys?: readonly ApiKey[]
  /**
   * A custom identity provider in place of API keys. Returns the person who sent this request to `/chat/init`, or
   * null. If it rejects, the response is 503. Requests whose credentials a browser adds by itself, such as cookies,
   * must come from a page of the gateway's own origin or of `corsOrigins`, and for the host of `publicUrl` or one of
   * `allowedHosts`.
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
   * every name. Default: names are checked only on the gateway's own server, while any API key is accepted, with
   * `dev`, and for requests with cookies or the like to `authenticate`.
   */
  readonly allowedHosts?: readonly string[]
  /**
   * Audience of the provider's own message of a failed model call. Operators see it in the console, the log and the
   * results of `run()`. With `clients`, clients of the HTTP API and the events of `stream()` have it too, as with
   * `dev`. Keys and tokens are removed. Default `operators`.
   */
  readonly showProviderErrors?: "operators" | "clients"
  /** Requests a minute, counted in each process. False for no limits. */
  readonly rateLimits?: false | Partial<RateLimits>
  /**
   * Name of the header in which the holder of an API key names a user, on the routes of other protocols. A proxy
   * before the gateway must remove it from requests of others. Default `x-user-id`.
   */
  readonly userHeader?: string
  /** Number of proxies before the gateway, each of which appends to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number
}

export const httpOptions = declareOptions<HttpOptions>()({
  ...tokenOptions,
  ...corsOptions,
  prefix: z
    .string()
    .regex(/^(\/|(\/[\w.~-]+)+)$/, 'expected a path like "/api"')
    .default("/api"),
  publicUrl: publicUrlSchema.optional(),
  validApiKeys: apiKeys.optional(),
  authenticate: createFunctionSchema<AuthenticatePerson>().optional(),
  allowSystemMessages: z.boolean().default(false),
  allowAnyKey: z.boolean().default(false),
  allowedHosts: texts.optional(),
  showProviderErrors: z.enum(["operators", "clients"]).default("operators"),
  rateLimits: z.union([z.literal(false), z.strictObject(rateLimits)]).prefault({}),
  userHeader: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~\w-]{1,64}$/, "expected the name of a header")
    .default("x-user-id"),
  trustProxy: z.int().nonnegative().default(0),
})

export type ResolvedHttpOptions = Resolved<HttpOptions, typeof httpOptions>

/** Returns false while any API key is accepted, because a client can then claim to be any user. */
export function knowsUsers({ validApiKeys, authenticate }: HttpOptions): boolean {
  return validApiKeys !== undefined || authenticate !== undefined
}

import { z } from "zod"
import { declareOptions, type Resolved } from "../options/declare-options.ts"
import { callback, count, texts } from "../options/schemas.ts"
import type { AuthenticatePerson } from "./auth/identify.ts"

/** Options of the HTTP API. All are optional. */
export interface HttpOptions {
  /** Path prefix of all routes; `/` for none. Default `/api`. */
  readonly prefix?: string
  /** API keys that `POST /chat/init` accepts. Default: any key that is not empty, with a warning at the start. */
  readonly validApiKeys?: readonly string[]
  /**
   * A custom identity provider in place of API keys. Returns the person who sent this request to `/chat/init`, or
   * null. If it rejects, the response is 503.
   */
  readonly authenticate?: AuthenticatePerson
  /**
   * Secret that signs session tokens; at least 32 bytes. Default: the gateway generates one and keeps it in the
   * store.
   */
  readonly jwtSecret?: string
  /** Seconds that a token is valid. The session itself does not expire with its token. Default 3600. */
  readonly sessionTtlSeconds?: number
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
  /** Origins whose pages may call the gateway, such as `https://app.example.com`. Default: none. */
  readonly corsOrigins?: readonly string[]
  /**
   * Request headers that pages of other origins may send in addition to those of the gateway's API: for a proxy
   * before the gateway, or for routes of plugins. Default: none.
   */
  readonly corsAllowHeaders?: readonly string[]
  /** Methods that pages of other origins may use in addition to `GET`, `POST` and `DELETE`. Default: none. */
  readonly corsAllowMethods?: readonly ("HEAD" | "PATCH" | "PUT")[]
  /** Requests a minute, counted in each process. False for no limits. */
  readonly rateLimits?: false | Partial<RateLimits>
  /** Number of proxies before the gateway, each of which appends to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number
}

/** Requests a minute. Each process counts for itself. */
export interface RateLimits {
  /**
   * `POST /chat/init` requests of one user of an API key from one network address. If the application authenticates,
   * requests of one person. Default 60.
   */
  readonly initPerMinute: number
  /**
   * POST and DELETE requests of one session, except `POST /chat/revoke`, and its GET requests that list sessions.
   * Default 120.
   */
  readonly requestsPerMinute: number
  /** Requests with the same wrong key or token from one network address. Default 30. */
  readonly failuresPerMinute: number
}

/** Limits of requests and streams, members of the option `limits`. */
export interface HttpLimits {
  /** Maximum body size of `POST /chat` in bytes. Default 4 MiB. */
  readonly chatBodyBytes: number
  /** Maximum size of any other body in bytes. That of `POST /chat/init` is at most 32 KiB. Default 256 KiB. */
  readonly bodyBytes: number
  /** Maximum depth of objects and arrays in a body. Default 64. */
  readonly jsonDepth: number
  /**
   * Maximum number of JSON values and member names in a body, at every level together; at most 100 000. Default
   * 20 000.
   */
  readonly jsonValues: number
  /**
   * Maximum number of open connections from one network address, on the gateway's own server. Not counted with
   * `trustProxy`, because all connections then come from the proxy. Default 1 000.
   */
  readonly connectionsPerAddress: number
  /** Maximum number of open event streams of one session in this process. Default 100. */
  readonly viewersPerSession: number
}

/** With more values, parsing and checking one body would block the event loop for more than 20 ms. */
const maxJsonValues = 100_000

export const httpLimits = declareOptions<Partial<HttpLimits>>()({
  chatBodyBytes: count.default(4 * 1024 * 1024),
  bodyBytes: count.default(256 * 1024),
  jsonDepth: count.default(64),
  jsonValues: count.max(maxJsonValues).default(20_000),
  connectionsPerAddress: count.default(1_000),
  viewersPerSession: count.default(100),
})

const rateLimits = declareOptions<Partial<RateLimits>>()({
  initPerMinute: count.default(60),
  requestsPerMinute: count.default(120),
  failuresPerMinute: count.default(30),
})

/** RFC 9110, section 5.1: a token. `*` is one, but it would not cover `authorization`. */
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'+.^_`|~-]+$/, "expected the name of a header")

export const httpOptions = declareOptions<HttpOptions>()({
  prefix: z
    .string()
    .regex(/^(\/|(\/[\w.~-]+)+)$/, 'expected a path like "/api"')
    .default("/api"),
  validApiKeys: texts.optional(),
  authenticate: callback<AuthenticatePerson>().optional(),
  jwtSecret: z.string().optional(),
  sessionTtlSeconds: count.default(3_600),
  allowSystemMessages: z.boolean().default(false),
  allowAnyKey: z.boolean().default(false),
  allowedHosts: texts.optional(),
  corsOrigins: texts.default([]),
  corsAllowHeaders: z.array(headerName).default([]),
  corsAllowMethods: z.array(z.enum(["HEAD", "PATCH", "PUT"])).default([]),
  rateLimits: z.union([z.literal(false), z.strictObject(rateLimits)]).prefault({}),
  trustProxy: z.int().nonnegative().default(0),
})

export type ResolvedHttpOptions = Resolved<HttpOptions, typeof httpOptions>

/** Returns false while any API key is accepted, because a client can then claim to be any user. */
export function knowsUsers({ validApiKeys, authenticate }: HttpOptions): boolean {
  return validApiKeys !== undefined || authenticate !== undefined
}

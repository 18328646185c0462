import type { Context, MiddlewareHandler } from "hono"
import type { Clock } from "../../core/clock.ts"
import type { ClientAddress } from "../client-address.ts"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import { networkOf } from "./network.ts"
import { createRateLimiter, type RateLimiter, type RateLimitState, windowSeconds } from "./rate-limiter.ts"

/** Each counted by every process for itself. */
export interface RateLimits {
  /** Tokens for one API key, or for one person where the application authenticates. Default 60. */
  readonly initPerMinute: number
  /** POST and DELETE requests of one session, except POST /chat/revoke. Default 120. */
  readonly requestsPerMinute: number
  /** Wrong keys and tokens from one network address. Default 30. */
  readonly failuresPerMinute: number
}

export const defaultRateLimits: RateLimits = {
  initPerMinute: 60,
  requestsPerMinute: 120,
  failuresPerMinute: 30,
}

export interface RateLimiting {
  /** Of what changes a session. To be used after authentication. */
  readonly session: MiddlewareHandler<HttpEnv>
  /** Rejects with a 429 problem when the principal has had its share of tokens. */
  init(c: Context<HttpEnv>, principal: string): Promise<void>
  readonly failures: FailureLimit
}

/** Against guessing. A token that was good once (expired, revoked) is no guess, and clients come with many of them. */
export interface FailureLimit {
  /** Rejects with a 429 problem when too many failures came from this address. */
  refuse(c: Context<HttpEnv>): Promise<void>
  /** Runs an authentication and counts it if it was a wrong guess; past the limit that 401 becomes a 429. */
  counting<Result>(c: Context<HttpEnv>, authenticate: () => Promise<Result>): Promise<Result>
}

export interface RateLimitingOptions {
  readonly limits: RateLimits
  readonly clock: Clock
  readonly clientAddress: ClientAddress
}

export function createRateLimiting({ limits, clock, clientAddress }: RateLimitingOptions): RateLimiting {
  const inits = createRateLimiter({ name: "init", limit: limits.initPerMinute, clock })
  const requests = createRateLimiter({ name: "session", limit: limits.requestsPerMinute, clock })
  const failures = createRateLimiter({ name: "authentication", limit: limits.failuresPerMinute, clock })

  return {
    async session(c, next) {
      enforce(c, requests, await requests.count(c.get("session").id))
      await next()
    },
    async init(c, principal) {
      enforce(c, inits, await inits.count(principal))
    },
    failures: {
      async refuse(c) {
        const address = clientAddress(c)
        if (address === null) return
        const state = await failures.look(networkOf(address))
        if (!state.allowed) enforce(c, failures, state)
      },
      async counting(c, authenticate) {
        try {
          return await authenticate()
        } catch (error) {
          const address = clientAddress(c)
          if (address === null || !isWrongGuess(error)) throw error
          const state = await failures.count(networkOf(address))
          if (!state.allowed) enforce(c, failures, state)
          throw error
        }
      },
    },
  }
}

const wrongGuesses: ReadonlySet<string> = new Set(["invalid_token", "invalid_api_key", "invalid_credentials"])

function isWrongGuess(error: unknown): boolean {
  return error instanceof Problem && wrongGuesses.has(error.code)
}

/** For `rateLimits: false`: somebody before the gateway counts. */
export const noRateLimiting: RateLimiting = {
  session: (_c, next) => next(),
  init: () => Promise.resolve(),
  failures: { refuse: () => Promise.resolve(), counting: (_c, authenticate) => authenticate() },
}

/** Says how much is left, by draft-ietf-httpapi-ratelimit-headers-10, and throws when nothing is. */
function enforce(c: Context<HttpEnv>, { name, limit }: RateLimiter, state: RateLimitState): void {
  c.header("ratelimit-policy", `"${name}";q=${limit};w=${windowSeconds}`)
  c.header("ratelimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`)
  if (state.allowed) return
  throw new Problem({ code: "rate_limited", status: 429 }, "Too many requests; try again later.", {
    headers: { "retry-after": String(state.resetSeconds) },
  })
}

import { hash } from "node:crypto"
import type { Context, MiddlewareHandler } from "hono"
import type { Logger } from "../../core/ports/logger.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { Caller } from "../auth/caller.ts"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import type { ClientAddress } from "../request/client-address.ts"
import { computeNetwork } from "./network.ts"
import type { RateLimits } from "./rate-limit-options.ts"
import {
  createRateLimiter,
  type RateLimiter,
  type RateLimitKey,
  type RateLimitState,
  windowSeconds,
} from "./rate-limiter.ts"

/** A tenant may create as many sessions by ids of its own as this many users. */
const sharedInits = 10

export interface RateLimiting {
  /**
   * Counts a request of its caller: of a session token for its session and its user, of an API key for the user that it
   * names and its tenant, and otherwise for the user. The narrowest counter is the first, and a request that it refuses
   * counts for no other. Otherwise one user could use up the requests of a tenant.
   */
  readonly caller: MiddlewareHandler<HttpEnv>
  /** Limits requests without any credentials, by the client's network. */
  readonly network: MiddlewareHandler<HttpEnv>
  /** Limits the requests of one operator. Used after authentication. */
  readonly operator: MiddlewareHandler<HttpEnv>
  readonly init: InitLimit
  readonly failures: FailureLimit
}

export interface InitLimit {
  /**
   * Counts a token of a user of a key, and a token of the key's tenant. Rejects with a 429 problem if there were too
   * many. The network address counts as well, because anyone with the key can name any user.
   */
  claimed(c: Context<HttpEnv>, principal: Principal): Promise<void>
  /** Counts a token of a person whom the application has authenticated, without regard to addresses. */
  proven(c: Context<HttpEnv>, principal: Principal): Promise<void>
  /** Counts a session that a caller creates by an id of its own. Without a user, it counts for the tenant only. */
  created(c: Context<HttpEnv>, caller: Pick<Caller, "credential" | "principal">): Promise<void>
}

/**
 * Slows down a client that repeats a wrong credential. A right credential is always accepted, whatever else comes
 * from its address. Otherwise other clients of the address could be locked out. Keys are protected from guessing by
 * their length.
 */
export interface FailureLimit {
  /**
   * Runs an authentication with this credential. If the limit is exceeded, a 429 replaces the 401 for a wrong
   * credential. Expired and revoked tokens are not counted.
   */
  counting<Result>(
    c: Context<HttpEnv>,
    credential: string,
    authenticate: () => Promise<Result>,
  ): Promise<Result>
}

export interface RateLimitingOptions {
  readonly limits: RateLimits
  readonly clock: Clock
  readonly clientAddress: ClientAddress
  readonly logger: Logger
}

export function createRateLimiting(options: RateLimitingOptions): RateLimiting {
  const { limits, clock, clientAddress, logger } = options
  const inits = createRateLimiter({ name: "init", limit: limits.initPerMinute, clock })
  const { requestsPerMinute, tenantRequestsPerMinute, initPerMinute } = limits
  const requests = createRateLimiter({ name: "session", limit: requestsPerMinute, clock })
  const ofUsers = createRateLimiter({ name: "user", limit: requestsPerMinute, clock })
  const ofSessionsOfUsers = createRateLimiter({ name: "user", limit: tenantRequestsPerMinute, clock })
  const ofTenants = createRateLimiter({ name: "tenant", limit: tenantRequestsPerMinute, clock })
  const initsOfTenants = createRateLimiter({ name: "tenant", limit: tenantRequestsPerMinute, clock })
  const createdByUsers = createRateLimiter({ name: "init", limit: initPerMinute, clock })
  const createdByTenants = createRateLimiter({ name: "init", limit: sharedInits * initPerMinute, clock })
  const operators = createRateLimiter({ name: "operator", limit: limits.operatorPerMinute, clock })
  const unknown = createRateLimiter({ name: "address", limit: limits.requestsPerMinute, clock })
  const failures = createRateLimiter({ name: "authentication", limit: limits.failuresPerMinute, clock })
  const ofNetworks = createRateLimiter({ name: "network", limit: limits.failuresPerMinute, clock })
  const findNetwork = (c: Context<HttpEnv>) => {
    const address = clientAddress(c)
    return address === null ? null : computeNetwork(address)
  }
  /**
   * Counts a request for a user and for its tenant, or for a session and for its user. The response reports the narrow
   * counter, unless the wide one refuses the request. If the wide one is exhausted, no narrow one is opened, because
   * their number is bounded for all tenants together.
   */
  const countBoth = async (c: Context<HttpEnv>, narrow: Counter, wide: Counter) => {
    if (await wide.limiter.isExhausted(wide.key)) await count(c, wide)
    await count(c, narrow)
    const state = await wide.limiter.count(wide.key)
    if (!state.allowed) enforce(c, wide.limiter, state)
  }

  return {
    async caller(c, next) {
      const { credential, principal, session } = c.get("caller")
      const { tenant, userId } = principal
      const ofUser = { limiter: ofUsers, key: [tenant, userId] } as const
      const ofTenant = { limiter: ofTenants, key: [tenant] } as const
      if (session !== null) {
        const ofSession = { limiter: requests, key: [session.id] } as const
        if (userId === "") await count(c, ofSession)
        else await countBoth(c, ofSession, { ...ofUser, limiter: ofSessionsOfUsers })
      } else if (userId === "") await count(c, ofTenant)
      else if (credential === "apiKey") await countBoth(c, ofUser, ofTenant)
      else await count(c, ofUser)
      await next()
    },
    async network(c, next) {
      enforce(c, unknown, await unknown.count([findNetwork(c) ?? ""]))
      await next()
    },
    async operator(c, next) {
      enforce(c, operators, await operators.count([c.get("operator").name]))
      await next()
    },
    init: {
      claimed: (c, { tenant, userId }) =>
        countBoth(
          c,
          { limiter: inits, key: [findNetwork(c) ?? "", tenant, userId] },
          { limiter: initsOfTenants, key: [tenant] },
        ),
      proven: (c, { tenant, userId }) => count(c, { limiter: inits, key: [tenant, userId] }),
      async created(c, { credential, principal: { tenant, userId } }) {
        const ofUser = { limiter: createdByUsers, key: [tenant, userId] } as const
        const ofTenant = { limiter: createdByTenants, key: [tenant] } as const
        if (userId === "") {
          if (credential === "apiKey") await count(c, ofTenant)
        } else if (credential === "apiKey") await countBoth(c, ofUser, ofTenant)
        else await count(c, ofUser)
      },
    },
    failures: {
      async counting(c, credential, authenticate) {
        try {
          return await authenticate()
        } catch (error) {
          const network = findNetwork(c)
          if (network === null || !isWrongGuess(error)) throw error
          await warnOfGuessing(network)
          const state = await failures.count([network, hash("sha256", credential, "base64")])
          if (!state.allowed) enforce(c, failures, state)
          throw error
        }
      },
    },
  }

  async function warnOfGuessing(network: string): Promise<void> {
    const { allowed, isFirstRefusal } = await ofNetworks.count([network])
    if (allowed || !isFirstRefusal) return
    logger.warn(
      { network, failuresPerMinute: limits.failuresPerMinute },
      "Many wrong API keys or session tokens come from one network. None was accepted. If this " +
        "continues, block the network before the gateway.",
    )
  }
}

const wrongGuesses: ReadonlySet<string> = new Set(["invalid_token", "invalid_api_key", "invalid_credentials"])

function isWrongGuess(error: unknown): boolean {
  return error instanceof Problem && wrongGuesses.has(error.code)
}

/** For `rateLimits: false`, if a proxy before the gateway counts requests. */
export const noRateLimiting: RateLimiting = {
  caller: (_c, next) => next(),
  network: (_c, next) => next(),
  operator: (_c, next) => next(),
  init: {
    claimed: () => Promise.resolve(),
    proven: () => Promise.resolve(),
    created: () => Promise.resolve(),
  },
  failures: { counting: (_c, _credential, authenticate) => authenticate() },
}

interface Counter {
  readonly limiter: RateLimiter
  readonly key: RateLimitKey
}

async function count(c: Context<HttpEnv>, { limiter, key }: Counter): Promise<void> {
  enforce(c, limiter, await limiter.count(key))
}

/** Sets the headers of draft-ietf-httpapi-ratelimit-headers-10, and throws if the limit is exceeded. */
function enforce(c: Context<HttpEnv>, { name, limit }: RateLimiter, state: RateLimitState): void {
  c.header("ratelimit-policy", `"${name}";q=${limit};w=${windowSeconds}`)
  c.header("ratelimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`)
  if (state.allowed) return
  throw new Problem(
    { code: "rate_limited", status: 429 },
    "Too many requests. Retry after the delay in the retry-after header.",
    {
      headers: { "retry-after": String(state.resetSeconds) },
    },
  )
}

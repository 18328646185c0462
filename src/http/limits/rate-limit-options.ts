import { declareOptions } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"

/** Requests a minute. Each process counts for itself. */
export interface RateLimits {
  /**
   * `POST /chat/init` requests of one user of an API key from one network address. If the application authenticates,
   * requests of one person. Default 60.
   */
  readonly initPerMinute: number
  /**
   * POST and DELETE requests of one session, except `POST /chat/revoke`, and its GET requests that list sessions. Also
   * all requests of one user with another credential than a session token. Default 120.
   */
  readonly requestsPerMinute: number
  /** Requests of one operator. Default 600. */
  readonly operatorPerMinute: number
  /** Requests of one tenant with an API key, and of one user with all session tokens. Default 1200. */
  readonly tenantRequestsPerMinute: number
  /** Requests with the same wrong key or token from one network address. Default 30. */
  readonly failuresPerMinute: number
}

export const rateLimits = declareOptions<Partial<RateLimits>>()({
  initPerMinute: count.default(60),
  requestsPerMinute: count.default(120),
  operatorPerMinute: count.default(600),
  tenantRequestsPerMinute: count.default(1_200),
  failuresPerMinute: count.default(30),
})

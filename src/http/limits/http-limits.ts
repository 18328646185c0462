import { declareOptions } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"
import { type RequestLimits, requestLimits } from "../body/request-limits.ts"

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

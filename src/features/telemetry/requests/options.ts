import { z } from "zod"
import { declareOptions } from "../../../platform/options/declare-options.ts"

export interface KeptRequestsOptions {
  /**
   * The model attempts whose requests operators can read again: failed ones, all, or none. The store keeps them for
   * seven days, masked by `redact`, and encrypted if there is a `secretsKey`. Default: `all` in `dev`, otherwise
   * `none`.
   */
  readonly keepRequests?: "errors" | "all" | "none"
  /**
   * Maximum bytes of all kept requests in the store, checked once a minute. The oldest ones are removed. A session
   * has at most an eighth of them, and its further requests are left out. Default 256 MiB.
   */
  readonly keepRequestsBytes?: number
}

export const keptRequestsOptions = declareOptions<KeptRequestsOptions>()({
  keepRequests: z.enum(["errors", "all", "none"]).optional(),
  keepRequestsBytes: z
    .int()
    .min(0)
    .default(256 * 1024 * 1024),
})

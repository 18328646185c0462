import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"

/** Options of session tokens. */
export interface TokenOptions {
  /**
   * Secret that signs session tokens; at least 32 bytes. Default: the gateway generates one and keeps it in the
   * store.
   */
  readonly jwtSecret?: string
  /** Seconds that a token is valid. The session itself does not expire with its token. Default 3600. */
  readonly sessionTtlSeconds?: number
}

export const tokenOptions = declareOptions<TokenOptions>()({
  jwtSecret: z.string().optional(),
  sessionTtlSeconds: count.default(3_600),
})

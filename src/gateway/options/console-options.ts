import { z } from "zod"
import { minKeyLength } from "../../http/auth/api-keys.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"

export interface ConsoleOption {
  /**
   * If true, serves the console at `/console`. With `dev` it is on by default, for this machine only. Otherwise it is
   * off by default, and operators sign in with a key.
   */
  readonly console?: boolean | ConsoleOptions
}

export interface ConsoleOptions {
  /** Key with which operators sign in, at least 16 characters. Default: `AGENT_GATEWAY_OPERATOR_KEY`. */
  readonly operatorKey?: string
}

export const consoleOption = declareOptions<ConsoleOption>()({
  console: z
    .union([z.boolean(), z.strictObject({ operatorKey: z.string().min(minKeyLength).optional() })])
    .optional(),
})

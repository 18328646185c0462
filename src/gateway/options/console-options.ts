import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"

export interface ConsoleOption {
  /**
   * If true, serves the console at `/console`. With `dev` it is on by default, for this machine only. Otherwise it is
   * off by default, and operators sign in with one of `operatorKeys`.
   */
  readonly console?: boolean
}

export const consoleOption = declareOptions<ConsoleOption>()({
  console: z.boolean().optional(),
})

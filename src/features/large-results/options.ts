import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"

/** Options for tool results that are longer than `maxToolResultBytes`. */
export interface LargeResultsOptions {
  /**
   * Stores such a result, and gives the model its beginning, its end and a tool that reads the rest. False truncates
   * the result. Default true, unless a custom store lacks the part `contents`.
   */
  readonly largeResults?: boolean | LargeResultsSettings
}

export interface LargeResultsSettings {
  /** Maximum stored bytes of one session. Further results are truncated. Default 134 217 728: 128 MiB. */
  readonly sessionBytes?: number
}

const largeResultsSettings = declareOptions<LargeResultsSettings>()({
  sessionBytes: z
    .int()
    .positive()
    .default(128 * 1024 * 1024),
})

export const largeResultsSchemas = declareOptions<LargeResultsOptions>()({
  largeResults: z.union([z.boolean(), z.strictObject(largeResultsSettings)]).optional(),
})

/** Returns the settings of a choice. `true` stands for the defaults. */
export function resolveLargeResults(choice: LargeResultsOptions["largeResults"]) {
  return resolveOptions("largeResults", largeResultsSettings, typeof choice === "object" ? choice : {})
}

import { z } from "zod"
import { declareOptions } from "../options/declare-options.ts"

/** Options for tool results that are longer than `maxToolResultBytes`. */
export interface LargeResultsOptions {
  /**
   * Stores such a result, and gives the model its beginning, its end and a tool that reads the rest. False truncates
   * the result. Default true.
   */
  readonly largeResults?: boolean | LargeResultsSettings
}

export interface LargeResultsSettings {
  /** Maximum stored bytes of one session. Further results are truncated. Default 134 217 728: 128 MiB. */
  readonly sessionBytes?: number
}

export const largeResultsSchemas = declareOptions<LargeResultsOptions>()({
  largeResults: z
    .union([z.boolean(), z.strictObject({ sessionBytes: z.int().positive().optional() })])
    .default(true),
})

export const defaultSessionBytes = 128 * 1024 * 1024

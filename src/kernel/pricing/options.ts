import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import type { PriceOverrides } from "./create-pricing.ts"

/** Options for the prices of model calls. */
export interface PriceOptions {
  /** Prices of models by their exact name. They replace the prices of the bundled list. Default: none. */
  readonly prices?: PriceOverrides
}

const price = z.number().nonnegative()

export const priceOptions = declareOptions<PriceOptions>()({
  prices: z
    .record(
      z.string(),
      z.strictObject({
        input: price,
        output: price,
        cacheRead: price.optional(),
        cacheWrite: price.optional(),
      }),
    )
    .default({}),
})

import type { Pricing } from "../../core/ports/model/pricing.ts"
import { computeCost, type ModelPrice } from "./compute-cost.ts"
import { computeListedCost } from "./listed-cost.ts"

/** Custom prices, by the exact name by which the model is requested. They take precedence over every list. */
export type PriceOverrides = Readonly<Record<string, ModelPrice>>

/** Creates the pricing. Callers must pass token counts that are finite and not negative. */
export function createPricing(overrides: PriceOverrides = {}): Pricing {
  const own = new Map(Object.entries(overrides))
  return {
    cost({ priceList, model, usage }) {
      const price = own.get(model)
      if (price !== undefined) return computeCost(price, usage)
      if (priceList === undefined) return null
      return priceList === "free" ? 0 : computeListedCost(priceList, { model, usage })
    },
  }
}

import type { Pricing } from "../core/ports/pricing.ts"
import { listedCost } from "./listed-cost.ts"
import { costAt, type ModelPrice } from "./model-price.ts"

/** Prices of one's own, by the exact name that the model is asked for by. They win over every list. */
export type PriceOverrides = Readonly<Record<string, ModelPrice>>

/** Counts of tokens must be finite and not negative: whoever calls a model sees to that. */
export function createPricing(overrides: PriceOverrides = {}): Pricing {
  const own = new Map(Object.entries(overrides))
  return {
    cost({ priceList, model, usage }) {
      const price = own.get(model)
      if (price !== undefined) return costAt(price, usage)
      if (priceList === undefined) return null
      return priceList === "free" ? 0 : listedCost(priceList, { model, usage })
    },
  }
}

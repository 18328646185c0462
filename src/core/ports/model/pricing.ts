import type { Usage } from "../../usage.ts"

/** Prices of model calls. */
export interface Pricing {
  /** Returns the cost in US dollars. Null if the price of the model is not known. */
  cost(call: PricedCall): number | null
}

export interface PricedCall {
  /** The provider's price list. Undefined if it has none. */
  readonly priceList: string | undefined
  readonly model: string
  readonly usage: Usage
}

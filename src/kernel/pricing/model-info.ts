import { type Cost, noUsage, type Usage } from "../../core/usage.ts"
import type { ModelPrice } from "./compute-cost.ts"
import { createPricing, type PriceOverrides } from "./create-pricing.ts"
import { computeListedCost } from "./listed-cost.ts"
import { findListedWindow } from "./listed-window.ts"

/** Facts about a model from the bundled price list (https://github.com/pydantic/genai-prices). */
export interface ModelInfo {
  readonly id: string
  /** Id of the provider in the price list. */
  readonly provider: string
  /** Tokens of the context window. Null if the list does not contain them. */
  readonly contextWindow: number | null
  /** US dollars per million tokens of a short prompt. Some models cost more with a long one. */
  readonly price: ModelPrice
}

/** Tokens of a model call whose cost is estimated. */
export interface CostQuery {
  /** Id of the provider in the price list, such as `anthropic`, `openai` or `google`. */
  readonly provider: string
  readonly model: string
  /** Absent tokens count as 0. */
  readonly usage: Partial<Usage>
  /** Prices that take precedence over the list. Default: none. */
  readonly prices?: PriceOverrides
}

/** Returns the cost of a call in US dollars. Null if the price of the model is not known. */
export function estimateCost({ provider, model, usage, prices }: CostQuery): Cost {
  return createPricing(prices).cost({ priceList: provider, model, usage: { ...noUsage, ...usage } })
}

/** Returns the facts about a model. Null if the list has no price for it. */
export function getModelInfo(provider: string, model: string): ModelInfo | null {
  const perMillion = (kind: keyof Usage): Cost => {
    const cost = computeListedCost(provider, { model, usage: { ...noUsage, [kind]: 1 } })
    // The list has prices per million tokens, with at most six decimals.
    return cost === null ? null : Number((cost * 1_000_000).toFixed(6))
  }
  const [input, output] = [perMillion("inputTokens"), perMillion("outputTokens")]
  const [cacheRead, cacheWrite] = [perMillion("cacheReadInputTokens"), perMillion("cacheCreationInputTokens")]
  if (input === null || output === null || cacheRead === null || cacheWrite === null) return null
  const price = { input, output, cacheRead, cacheWrite }
  return { id: model, provider, contextWindow: findListedWindow(provider, model), price }
}

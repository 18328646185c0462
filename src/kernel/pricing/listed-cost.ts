import { calcPrice } from "@pydantic/genai-prices"
import type { PricedCall } from "../../core/ports/model/pricing.ts"
import { computeCost, type ModelPrice } from "./compute-cost.ts"

/** Prices, by list and model, that providers published for models that the bundled list does not contain yet. */
const newerModels: ReadonlyMap<string, ModelPrice> = new Map([
  ["anthropic/claude-sonnet-5-5", { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 }],
])

const releaseDate = /-20\d{6}$/
/** Matches the rest of `claude-sonnet-5-5` after `claude-sonnet-5`, but not a date. */
const furtherVersion = /^[-.][1-9]\d?(?!\d)/

/**
 * Returns the cost by the bundled price list (https://github.com/pydantic/genai-prices), including tiers and dates.
 * The list is never updated at run time. Null if the list or the model is unknown.
 */
export function computeListedCost(
  priceList: string,
  { model, usage }: Omit<PricedCall, "priceList">,
): number | null {
  const newer = newerModels.get(`${priceList}/${model.replace(releaseDate, "")}`)
  if (newer !== undefined) return computeCost(newer, usage)
  const {
    inputTokens,
    outputTokens,
    cacheReadInputTokens: cacheRead,
    cacheCreationInputTokens: cacheWrite,
  } = usage
  const tokens = {
    // In the list's terms, input tokens include tokens that were read from or written to a cache.
    input_tokens: inputTokens + cacheRead + cacheWrite,
    cache_read_tokens: cacheRead,
    cache_write_tokens: cacheWrite,
    output_tokens: outputTokens,
  }
  const priced = calcPrice(tokens, model, { providerId: priceList })
  if (priced === null || isOtherModel(model, priced.model.id) || !hasTextPrice(priced.model_price))
    return null
  return priced.total_price
}

/**
 * Returns true if the list found another model. It finds some models by the beginning of their names, so a newer
 * version would get the price of an older one.
 */
function isOtherModel(model: string, listed: string): boolean {
  const start = model.indexOf(listed)
  return start !== -1 && furtherVersion.test(model.slice(start + listed.length))
}

/**
 * Returns true if the list has prices for text. Models that only process embeddings, audio or images have none. A
 * model without any price is free.
 */
function hasTextPrice(prices: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(prices).length === 0 || ("input_mtok" in prices && "output_mtok" in prices)
}

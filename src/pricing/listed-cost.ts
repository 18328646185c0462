import { calcPrice } from "@pydantic/genai-prices"
import type { PricedCall } from "../core/ports/pricing.ts"
import { costAt, type ModelPrice } from "./model-price.ts"

/** As their services published them, of models that the bundled list does not have yet: by list and model. */
const newerModels: ReadonlyMap<string, ModelPrice> = new Map([
  ["anthropic/claude-sonnet-5-5", { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 }],
])

const releaseDate = /-20\d{6}$/
/** Matches the rest of `claude-sonnet-5-5` after `claude-sonnet-5`, and no name that goes on with a date. */
const furtherVersion = /^[-.][1-9]\d?(?!\d)/

/**
 * By the bundled price list (https://github.com/pydantic/genai-prices), tiers and dates included. It is never fetched
 * anew. Null for a list or a model that it does not have.
 */
export function listedCost(
  priceList: string,
  { model, usage }: Omit<PricedCall, "priceList">,
): number | null {
  const newer = newerModels.get(`${priceList}/${model.replace(releaseDate, "")}`)
  if (newer !== undefined) return costAt(newer, usage)
  const {
    inputTokens,
    outputTokens,
    cacheReadInputTokens: cacheRead,
    cacheCreationInputTokens: cacheWrite,
  } = usage
  const tokens = {
    // There, input tokens include those that a cache was read or written for.
    input_tokens: inputTokens + cacheRead + cacheWrite,
    cache_read_tokens: cacheRead,
    cache_write_tokens: cacheWrite,
    output_tokens: outputTokens,
  }
  const priced = calcPrice(tokens, model, { providerId: priceList })
  if (priced === null || isOtherModel(model, priced.model.id) || !pricesText(priced.model_price)) return null
  return priced.total_price
}

/**
 * The list finds some models by how their names begin, and so a newer version would go for the price of an older one.
 */
function isOtherModel(model: string, listed: string): boolean {
  const start = model.indexOf(listed)
  return start !== -1 && furtherVersion.test(model.slice(start + listed.length))
}

/** Not so for what only embeds, hears or draws. A model without any price is one that is free. */
function pricesText(prices: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(prices).length === 0 || ("input_mtok" in prices && "output_mtok" in prices)
}

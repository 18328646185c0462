import { calcPrice } from "@pydantic/genai-prices"

/**
 * Returns the tokens of a model's context window from the bundled list. A model that is newer than the list has the
 * window of the previous version. Null if the list or the model is unknown.
 */
export function findListedWindow(priceList: string, model: string): number | null {
  const known = calcPrice({ input_tokens: 0, output_tokens: 0 }, model, { providerId: priceList })
  return known?.model.context_window ?? null
}

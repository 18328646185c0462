/**
 * Maps the start of a model's `provider`, by the AI SDK's own packages, to the ids of
 * https://github.com/pydantic/genai-prices. Only whole names match, because a custom server may be called
 * `openai-local`.
 */
const lists: ReadonlyMap<string, string> = new Map([
  ["amazon-bedrock", "aws"],
  ["anthropic", "anthropic"],
  ["azure", "azure"],
  ["azure-openai", "azure"],
  ["bedrock", "aws"],
  ["cerebras", "cerebras"],
  ["cohere", "cohere"],
  ["deepseek", "deepseek"],
  ["fireworks", "fireworks"],
  ["google", "google"],
  ["googleVertex", "google"],
  ["groq", "groq"],
  ["mistral", "mistral"],
  ["moonshotai", "moonshotai"],
  ["openai", "openai"],
  ["openrouter", "openrouter"],
  ["perplexity", "perplexity"],
  ["togetherai", "together"],
  ["vertex", "google"],
  ["xai", "x-ai"],
])

/** Returns the price list. Undefined for an unknown provider. */
export function findPriceList(provider: string): string | undefined {
  return lists.get(provider.split(".", 1)[0] ?? "")
}

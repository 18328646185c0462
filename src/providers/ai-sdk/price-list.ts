/**
 * The names of the AI SDK's own packages, by what their models' `provider` begins with, and the ids of
 * https://github.com/pydantic/genai-prices. Only whole names count: a server that somebody calls `openai-local` is
 * free.
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

/** Undefined for a service that is not known. */
export function priceListOf(provider: string): string | undefined {
  return lists.get(provider.split(".", 1)[0] ?? "")
}

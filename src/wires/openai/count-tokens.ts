import type { Usage } from "../../core/usage.ts"

/** The numbers of tokens as the protocols of OpenAI count them: the input includes what a cache had or took. */
export function countTokens(usage: Usage) {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage
  const input = inputTokens + cacheReadInputTokens + cacheCreationInputTokens
  return { input, output: outputTokens, total: input + outputTokens, reasoning: usage.reasoningTokens ?? 0 }
}

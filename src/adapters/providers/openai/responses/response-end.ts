import type { OpenAI } from "openai"
import type { StopReason } from "../../../../core/ports/model/provider.ts"
import type { Usage } from "../../../../core/usage.ts"
import type { PartState } from "./response-parts.ts"

export function toStopReason(
  response: OpenAI.Responses.Response | null,
  parts: readonly PartState[],
): StopReason {
  switch (response?.incomplete_details?.reason) {
    case "max_output_tokens":
      return "maxTokens"
    case "content_filter":
      return "contentFilter"
    default:
      if (parts.some(({ type }) => type === "toolCall")) return "toolCalls"
      return parts.some(({ content }) => content.type === "refusal") ? "refusal" : "end"
  }
}

/**
 * Returns the usage. `input_tokens` includes tokens read from and written to a cache. `output_tokens` includes
 * reasoning.
 */
export function toUsage(usage: OpenAI.Responses.ResponseUsage | undefined | null): Usage | null {
  if (!usage) return null
  const { cached_tokens: read = 0, cache_write_tokens: written = 0 } = usage.input_tokens_details ?? {}
  const { reasoning_tokens: reasoningTokens } = usage.output_tokens_details ?? {}
  return {
    inputTokens: Math.max(0, usage.input_tokens - read - written),
    outputTokens: usage.output_tokens,
    cacheReadInputTokens: read,
    cacheCreationInputTokens: written,
    ...(typeof reasoningTokens === "number" && { reasoningTokens }),
  }
}

import type { Json, JsonObject } from "../../../../core/json/json.ts"
import { isJsonObject } from "../../../../core/json/json.ts"
import type { StopReason } from "../../../../core/ports/model/provider.ts"
import type { Usage } from "../../../../core/usage.ts"

/** Returns true for failures: reasons of OpenRouter and Mistral, and of DeepSeek if it has no capacity. */
export function isFailure(finishReason: string): boolean {
  return finishReason === "error" || finishReason === "insufficient_system_resource"
}

/** Returns the stop reason. Some services report a plain stop for a response with calls. */
export function toStopReason(
  reason: string | null,
  { called, refused }: { readonly called: boolean; readonly refused: boolean },
): StopReason {
  switch (reason) {
    case "length":
      return "maxTokens"
    case "content_filter":
      return "contentFilter"
    case "model_length":
      return "contextFull"
    default:
      if (called) return "toolCalls"
      return refused ? "refusal" : "end"
  }
}

/** Returns the usage. Null if the values are not counts. */
export function toUsage(usage: JsonObject | null): Usage | null {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage ?? {}
  if (usage === null || typeof input !== "number" || typeof output !== "number") return null
  const details = isJsonObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const outputDetails = isJsonObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  const { reasoning_tokens: reasoningTokens } = outputDetails
  // DeepSeek and Moonshot use these names.
  const read = count(details.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens)
  const written = count(details.cache_write_tokens)
  return {
    inputTokens: Math.max(0, input - read - written),
    // xAI and Google exclude reasoning from the completion tokens, but not from the total.
    outputTokens: Math.max(output, count(total) - input),
    cacheReadInputTokens: read,
    cacheCreationInputTokens: written,
    ...(typeof reasoningTokens === "number" && { reasoningTokens }),
  }
}

function count(value: Json | undefined): number {
  return typeof value === "number" ? value : 0
}

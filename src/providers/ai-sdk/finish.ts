import type { LanguageModelV4FinishReason, LanguageModelV4Usage } from "@ai-sdk/provider"
import type { StopReason } from "../../core/ports/provider.ts"
import type { Usage } from "../../core/usage.ts"

/** Words of services for which the AI SDK has no word of its own. */
const rawReasons: ReadonlyMap<string | undefined, StopReason> = new Map([
  ["model_context_window_exceeded", "contextFull"],
  ["pause_turn", "pause"],
  ["refusal", "refusal"],
])

/**
 * @param called Whether there are calls to be executed; some services call that a plain stop.
 * @returns Null for an answer that failed.
 */
export function toStopReason(
  { unified, raw }: LanguageModelV4FinishReason,
  called: boolean,
): StopReason | null {
  switch (unified) {
    case "length":
      return rawReasons.get(raw) ?? "maxTokens"
    case "content-filter":
      return rawReasons.get(raw) ?? "contentFilter"
    case "error":
    case "interrupted":
      return null
    case "stop":
    case "tool-calls":
    case "other":
      return rawReasons.get(raw) ?? (called ? "toolCalls" : "end")
    default:
      // A reason newer than this code: the answer did end.
      unified satisfies never
      return called ? "toolCalls" : "end"
  }
}

/** Null when the service counted nothing. */
export function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | null {
  const { total, noCache, cacheRead = 0, cacheWrite = 0 } = inputTokens
  if (total === undefined && noCache === undefined && outputTokens.total === undefined) return null
  return {
    inputTokens: noCache ?? Math.max(0, (total ?? 0) - cacheRead - cacheWrite),
    outputTokens: outputTokens.total ?? 0,
    cacheCreationInputTokens: cacheWrite,
    cacheReadInputTokens: cacheRead,
  }
}

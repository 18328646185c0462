import type { LanguageModelV4FinishReason, LanguageModelV4Usage } from "@ai-sdk/provider"
import type { StopReason } from "../../../core/ports/model/provider.ts"
import type { Usage } from "../../../core/usage.ts"

/** Finish reasons of providers for which the AI SDK has no reason of its own. */
const rawReasons: ReadonlyMap<string | undefined, StopReason> = new Map([
  ["model_context_window_exceeded", "contextFull"],
  ["pause_turn", "pause"],
  ["refusal", "refusal"],
])

/**
 * Maps a finish reason of the AI SDK. If the connection ends within a response, most models report a reason that is
 * neither the AI SDK's nor the provider's own (`other` without a raw reason), so it counts as a truncated response.
 *
 * @param called If true, the response has calls to execute. Some providers report a plain stop for those.
 * @returns Null for a response that failed or is truncated.
 */
export function toStopReason(
  { unified, raw }: LanguageModelV4FinishReason,
  called: boolean,
): StopReason | null {
  const complete = called ? "toolCalls" : "end"
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
      return rawReasons.get(raw) ?? complete
    case "other":
      return isAbsent(raw) ? null : (rawReasons.get(raw) ?? complete)
    default:
      // This is a reason newer than this code, or `unknown` of an older version.
      unified satisfies never
      return isAbsent(raw) ? null : complete
  }
}

/** Returns true if there is no reason. Some models send an empty text instead. */
function isAbsent(raw: string | undefined | null): boolean {
  return raw === undefined || raw === null || raw === ""
}

/** Returns the usage. Null if the provider counted nothing. */
export function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | null {
  const { total, noCache, cacheRead = 0, cacheWrite = 0 } = inputTokens
  if (total === undefined && noCache === undefined && outputTokens.total === undefined) return null
  return {
    inputTokens: noCache ?? Math.max(0, (total ?? 0) - cacheRead - cacheWrite),
    outputTokens: outputTokens.total ?? 0,
    cacheCreationInputTokens: cacheWrite,
    cacheReadInputTokens: cacheRead,
    ...(outputTokens.reasoning !== undefined && { reasoningTokens: outputTokens.reasoning }),
  }
}

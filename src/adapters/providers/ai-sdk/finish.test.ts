import type { LanguageModelV4FinishReason, LanguageModelV4Usage } from "@ai-sdk/provider"
import { expect, test } from "vitest"
import { toStopReason, toUsage } from "./finish.ts"

test.each<[LanguageModelV4FinishReason["unified"], string | undefined, boolean, string | null]>([
  ["stop", "end_turn", false, "end"],
  ["stop", "STOP", true, "toolCalls"],
  ["stop", "pause_turn", false, "pause"],
  ["tool-calls", "tool_use", true, "toolCalls"],
  ["tool-calls", undefined, false, "end"],
  ["length", "max_tokens", true, "maxTokens"],
  ["length", "model_context_window_exceeded", false, "contextFull"],
  ["content-filter", "SAFETY", false, "contentFilter"],
  ["content-filter", "refusal", false, "refusal"],
  ["other", undefined, false, null],
  ["other", undefined, true, null],
  ["other", "", false, null],
  ["other", "eos", false, "end"],
  ["other", "pause_turn", false, "pause"],
  ["unknown" as "other", undefined, false, null],
  ["error", "MALFORMED_FUNCTION_CALL", false, null],
  ["interrupted", undefined, false, null],
])("%s (%s, with calls: %s) is %s", (unified, raw, called, expected) => {
  expect(toStopReason({ unified, raw }, called)).toBe(expected)
})

const nothing: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
}

test("input is the number of uncached tokens, reported or computed", () => {
  const outputTokens = { total: 9, text: 4, reasoning: 5 }
  const cached = { total: 100, cacheRead: 60, cacheWrite: 10 }
  for (const noCache of [30, undefined]) {
    expect(toUsage({ inputTokens: { ...cached, noCache }, outputTokens })).toEqual({
      inputTokens: 30,
      outputTokens: 9,
      reasoningTokens: 5,
      cacheReadInputTokens: 60,
      cacheCreationInputTokens: 10,
    })
  }
})

test("a provider without counts has no usage", () => {
  expect(toUsage(nothing)).toBeNull()
  expect(toUsage({ ...nothing, outputTokens: { ...nothing.outputTokens, total: 3 } })?.outputTokens).toBe(3)
})

import type { Anthropic } from "@anthropic-ai/sdk"
import type { ModelRequest } from "../../core/ports/model/provider.ts"
import { type ThinkingLevel, thinkingLevels } from "../../core/thinking-level.ts"
import type { AnthropicThinking } from "./options.ts"

/** The fields of a Messages call that control thinking. */
export interface ThinkingFields {
  readonly thinking?: Anthropic.ThinkingConfigParam
  readonly effort?: NonNullable<Anthropic.OutputConfig["effort"]>
}

type Thinking = Exclude<ThinkingLevel, "none">

const efforts: Readonly<Record<Thinking, NonNullable<ThinkingFields["effort"]>>> = {
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  max: "max",
}

/** Shares of the output tokens for thinking, by level, for models with a thinking budget. */
const shares: Readonly<Record<Thinking, number>> = { minimal: 0, low: 0.2, medium: 0.4, high: 0.6, max: 0.8 }
/** The smallest budget that the API accepts. */
const leastBudget = 1_024

/** Matches models without thinking. */
const withoutThinking = /claude-(instant|2|3-(?!7))/
/** Matches models with thinking up to Claude 4.5, which accept a budget but no effort. */
const withBudget = /claude-(3-7|(opus|sonnet|haiku)-4(-[0-5])?(?!-?\d(?!\d{2})))/

/** Returns the levels that may be requested of a model. */
export function listThinkingLevels(model: string): readonly ThinkingLevel[] {
  return withoutThinking.test(model) ? ["none"] : thinkingLevels
}

/**
 * Returns the thinking fields for the request's level. Without a level, returns those of the provider's own option.
 */
export function createThinkingFields(
  { thinkingLevel, model, maxTokens }: ModelRequest,
  option: AnthropicThinking | undefined,
): ThinkingFields {
  if (thinkingLevel === undefined) {
    return option === undefined ? {} : { thinking: option as Anthropic.ThinkingConfigParam }
  }
  if (withoutThinking.test(model)) return {}
  const isBudgeted = withBudget.test(model)
  // A budget must leave room for the response.
  if (thinkingLevel === "none" || (isBudgeted && maxTokens <= leastBudget)) {
    return { thinking: { type: "disabled" } }
  }
  const display = option?.display === undefined ? {} : { display: option.display }
  if (!isBudgeted) return { thinking: { type: "adaptive", ...display }, effort: efforts[thinkingLevel] }
  const budget_tokens = Math.max(leastBudget, Math.floor(maxTokens * shares[thinkingLevel]))
  return { thinking: { type: "enabled", budget_tokens, ...display } }
}

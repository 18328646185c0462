import type { Anthropic } from "@anthropic-ai/sdk"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { type ThinkingLevel, thinkingLevels } from "../../../core/thinking-level.ts"
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
/** Smallest maximum of output tokens with which a model thinks by default. */
const leastTokensByDefault = 2_048
/** Largest budget that a model with a thinking budget has by default. */
const largestDefaultBudget = 10_000

/** Matches models without thinking. */
const withoutThinking = /claude-(instant|2|3-(?!7))/
/** Matches models with thinking up to Claude 4.5, which accept a budget but no effort. */
const withBudget = /claude-(3-7|(opus|sonnet|haiku)-4(-[0-5])?(?!-?\d(?!\d{2})))/
/** Matches those of them that think by default. */
const withDefaultBudget = /claude-(sonnet-4|opus-4-5)/
/** Matches Claude models in the form of their names since Claude 4. */
const namedModel = /claude-[a-z]+-\d/

/** Returns the levels that may be requested of a model. */
export function listThinkingLevels(model: string): readonly ThinkingLevel[] {
  return withoutThinking.test(model) ? ["none"] : thinkingLevels
}

/**
 * Returns the thinking fields for the request's level. Without a level, returns those of the provider's own option,
 * or else the default for the model.
 */
export function createThinkingFields(
  { thinkingLevel, model, maxTokens }: ModelRequest,
  option: AnthropicThinking | undefined,
): ThinkingFields {
  if (thinkingLevel === undefined) {
    return option === undefined
      ? createDefaultFields(model, maxTokens)
      : { thinking: option as Anthropic.ThinkingConfigParam }
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

/**
 * Claude Sonnet 4, and Sonnet and Opus 4.5, think within a budget. Later Claude models decide themselves how much they
 * think. All other models, and calls with few output tokens, have no thinking.
 */
function createDefaultFields(model: string, maxTokens: number): ThinkingFields {
  if (maxTokens < leastTokensByDefault || withoutThinking.test(model)) return {}
  if (!withBudget.test(model)) return namedModel.test(model) ? { thinking: { type: "adaptive" } } : {}
  if (!withDefaultBudget.test(model)) return {}
  const budget_tokens = Math.min(largestDefaultBudget, maxTokens - leastBudget)
  return { thinking: { type: "enabled", budget_tokens } }
}

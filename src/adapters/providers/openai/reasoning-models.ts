import { type ThinkingLevel, thinkingLevels } from "../../../core/thinking-level.ts"

/** OpenAI's models without reasoning. They refuse each field about it. */
const withoutReasoning = /^(gpt-[34]|chatgpt-|gpt-5-chat)/

export function canReason(model: string): boolean {
  return !withoutReasoning.test(model)
}

/** Returns the levels that may be requested of a model of OpenAI. */
export function listThinkingLevels(model: string): readonly ThinkingLevel[] {
  return canReason(model) ? thinkingLevels : ["none"]
}

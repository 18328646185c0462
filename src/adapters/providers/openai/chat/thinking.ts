import type { ModelRequest } from "../../../../core/ports/model/provider.ts"
import { type ThinkingLevel, thinkingLevels } from "../../../../core/thinking-level.ts"
import { listThinkingLevels as openAiLevels } from "../reasoning-models.ts"

/**
 * The form in which a service accepts a level: `openAi`, the field `reasoning_effort` with the levels of OpenAI;
 * `effort`, the same field with the values that most services know; `reasoning`, OpenRouter's object; `switch`, a field
 * that turns thinking on or off.
 */
export type ThinkingForm = "openAi" | "effort" | "reasoning" | "switch"

/** Values of `reasoning_effort` that services and local servers have in common. */
const commonEfforts: Readonly<Record<ThinkingLevel, string>> = {
  none: "none",
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  max: "high",
}

/** Returns the levels that may be requested of a service's model. A service without such a field has none. */
export function listThinkingLevels(form: ThinkingForm | null, model: string): readonly ThinkingLevel[] {
  if (form === null) return []
  return form === "openAi" ? openAiLevels(model) : thinkingLevels
}

/** Returns the fields of the request's level, which the types of OpenAI's SDK do not all have. */
export function createThinkingFields(
  { thinkingLevel: level, model }: ModelRequest,
  form: ThinkingForm | null,
): Readonly<Record<string, unknown>> {
  if (level === undefined || form === null) return {}
  switch (form) {
    case "openAi":
      // Models without reasoning refuse even `none`.
      return openAiLevels(model).length === 1 ? {} : { reasoning_effort: level }
    case "effort":
      return { reasoning_effort: commonEfforts[level] }
    case "reasoning":
      return { reasoning: { effort: level === "max" ? "xhigh" : level } }
    case "switch":
      return { thinking: { type: level === "none" ? "disabled" : "enabled" } }
    default:
      return form satisfies never
  }
}

import { ConfigurationError } from "../../../core/errors.ts"
import type { ModelChoice } from "../../../core/ports/model/provider.ts"
import type { ThinkingLevel } from "../../../core/thinking-level.ts"

/** Throws a `ConfigurationError` if the level cannot be requested of the model. */
export function requireThinking({ provider, model }: ModelChoice, level: ThinkingLevel): void {
  const levels = provider.thinkingLevels?.(model) ?? []
  if (levels.includes(level)) return
  const subject = `thinkingLevel: the model ${JSON.stringify(model)} (${provider.name})`
  const offered =
    levels.length === 0
      ? "offers no level. Use the options of its provider instead"
      : `does not offer ${JSON.stringify(level)}. It offers: ${levels.join(", ")}`
  throw new ConfigurationError(`${subject} ${offered}.`)
}

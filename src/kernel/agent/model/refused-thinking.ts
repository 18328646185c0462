import type { ModelFailure, ModelRequest } from "../../../core/ports/model/provider.ts"

/** Matches the field names for thinking in the errors of providers. */
const namesThinking = /thinking|reasoning|effort/i

/**
 * Returns an error that names the requested thinking level if the provider refused the request because of that level.
 * Returns any other failure unchanged.
 */
export function explainRefusedThinking(
  failure: ModelFailure,
  { thinkingLevel, model }: Pick<ModelRequest, "thinkingLevel" | "model">,
): ModelFailure {
  const isRefused = failure.code === "invalid_request" && namesThinking.test(failure.detail ?? "")
  if (thinkingLevel === undefined || !isRefused) return failure
  const message = `The model ${model} does not support the thinkingLevel ${JSON.stringify(thinkingLevel)}.`
  return { ...failure, code: "thinking_not_supported", message }
}

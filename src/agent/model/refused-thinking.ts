import type { ModelFailure, ModelRequest } from "../../core/ports/provider.ts"

/** Words with which services name the fields of thinking in their errors. */
const namesThinking = /thinking|reasoning|effort/i

/** Names the request's level in a failure, if the service refused the request because of it. */
export function explainRefusedThinking(
  failure: ModelFailure,
  { thinkingLevel, model }: Pick<ModelRequest, "thinkingLevel" | "model">,
): ModelFailure {
  const isRefused = failure.code === "invalid_request" && namesThinking.test(failure.detail ?? "")
  if (thinkingLevel === undefined || !isRefused) return failure
  const message = `The model ${model} does not support the thinkingLevel ${JSON.stringify(thinkingLevel)}.`
  return { ...failure, code: "thinking_not_supported", message }
}

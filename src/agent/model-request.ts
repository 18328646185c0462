import type { ModelRequest } from "../core/ports/provider.ts"
import { type Attempt, modelAt } from "./attempts.ts"
import { outputInstruction } from "./check-output.ts"
import type { ModelRunContext } from "./run-context.ts"

/** Returns the request that this attempt sends to the model. */
export function requestOf({ runtime, conversation }: ModelRunContext, { modelIndex }: Attempt): ModelRequest {
  const { systemPrompt, maxTokens } = runtime
  const { provider, model } = modelAt(runtime, modelIndex)
  const outputSchema = conversation.run?.started.outputSchema ?? null
  const common = {
    model,
    messages: [...conversation.shownMessages],
    tools: runtime.toolsFor(provider),
    maxTokens,
  }
  if (outputSchema === null) return { ...common, system: systemPrompt }
  return { ...common, system: [...systemPrompt, { text: outputInstruction(outputSchema) }], outputSchema }
}

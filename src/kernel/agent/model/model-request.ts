import type { Message } from "../../../core/history/messages.ts"
import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import { type DataBlock, writeDataBlock } from "../../../core/text/data-block.ts"
import { writeTaskReminder } from "../children/tasks.ts"
import type { Conversation } from "../conversation.ts"
import type { ModelRunContext } from "../run-context.ts"
import { createOutputInstruction } from "./check-output.ts"
import { findModel, type ModelAttempt } from "./model-attempt.ts"

/** Returns the request of an attempt with this model. */
export function createModelRequest(
  context: ModelRunContext,
  { modelIndex, maxTokens: allowedTokens }: Pick<ModelAttempt, "modelIndex" | "maxTokens">,
): ModelRequest {
  const { runtime, conversation } = context
  const { systemPrompt, maxTokens, thinkingLevel } = runtime
  const { provider, model } = findModel(runtime, modelIndex)
  const outputSchema = conversation.run?.started.outputSchema ?? null
  const messages = insertBackground(conversation, runtime.background)
  // The reminder changes from call to call. The call of a run's first turn may be its only one, and writing to a cache
  // is more expensive than plain input.
  const cachedMessages = runtime.cache && (conversation.run?.steps ?? 0) > 1 ? messages.length : 0
  const common = {
    model,
    messages: [...addReminder(conversation, messages)],
    ...(cachedMessages > 0 && { cachedMessages }),
    tools: runtime.toolsFor(provider),
    maxTokens: allowedTokens ?? maxTokens,
    // A model that takes over, or that a client chose, may not offer the level.
    ...(thinkingLevel !== undefined &&
      provider.thinkingLevels?.(model).includes(thinkingLevel) && { thinkingLevel }),
    ...(mustShowToolInput(context) && { toolInputDeltas: true }),
  }
  if (outputSchema === null) return { ...common, system: systemPrompt }
  return {
    ...common,
    system: [...systemPrompt, { text: createOutputInstruction(outputSchema) }],
    outputSchema,
  }
}

/**
 * Appends the reminder of open tasks. A text at the end does not change what comes before it, so the provider's cache
 * stays valid.
 */
function addReminder({ tasks }: Conversation, messages: readonly Message[]): readonly Message[] {
  const text = writeTaskReminder(tasks.open())
  // A response that the provider continues must remain the last message.
  if (text === null || messages.at(-1)?.role === "assistant") return messages
  return [...messages, { role: "user", content: [{ type: "text", text }] }]
}

/**
 * Returns true if the arguments of calls are shown piece by piece. If secrets in them must be masked, they are not,
 * because a piece may contain half of a secret.
 */
function mustShowToolInput({ conversation, runtime }: ModelRunContext): boolean {
  const isAskedFor = conversation.run?.started.toolInputDeltas === true
  return isAskedFor && runtime.outputFilter === null
}

/**
 * Returns the messages for a model, with data before the message that started the run. If that message was compacted,
 * the data is left out.
 */
function insertBackground(
  { messages, shownMessages, run }: Conversation,
  background: readonly DataBlock[],
): readonly Message[] {
  if (background.length === 0) return shownMessages
  const index = messages.findLastIndex(
    (message) => message.role === "user" && message.content === run?.started.content,
  )
  if (index === -1) return shownMessages
  // The shown messages may start differently, but they end with the same messages.
  const shownIndex = shownMessages.length - messages.length + index
  const texts = background.map((block) => ({ type: "text", text: writeDataBlock(block) }) as const)
  return shownMessages.map((message, position) =>
    position === shownIndex && message.role === "user"
      ? { ...message, content: [...texts, ...message.content] }
      : message,
  )
}

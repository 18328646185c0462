import type { ModelRequest } from "../../../core/ports/model/provider.ts"
import type { Conversation } from "../conversation.ts"

/** The provider's count is used only if it differs from the estimate by less than this factor. */
const mostDeviation = 2

/**
 * Resolves to the estimated tokens of the next request. If a provider has counted the first messages with the prompt
 * and the tools, only later messages are estimated.
 */
export async function countRequestTokens(
  { sizes, history, messages, shownMessages }: Conversation,
  request: ModelRequest,
) {
  const fixedTokens = await sizes.measureFixed(request)
  await sizes.measure(shownMessages)
  await sizes.measure(messages)
  const estimated = shownMessages.reduce((sum, message) => sum + sizes.measureMessage(message), fixedTokens)
  const { reported } = history
  if (reported === null) return { fixedTokens, tokens: estimated }
  const since = messages.slice(reported.messages)
  const estimatedTokens = since.reduce((sum, message) => sum + sizes.measureMessage(message), reported.tokens)
  const tokens = Math.min(Math.max(estimatedTokens, estimated / mostDeviation), estimated * mostDeviation)
  return { fixedTokens, tokens: Math.ceil(tokens) }
}

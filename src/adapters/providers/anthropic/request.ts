import type { Anthropic } from "@anthropic-ai/sdk"
import type { ModelRequest, SystemBlock, ToolSpecification } from "../../../core/ports/model/provider.ts"
import { collectSystemMessageTexts, toConversationTurns } from "./conversation-turns.ts"

/** Maximum number of marks for the cache that the API accepts in one request. */
const maxCacheMarks = 4

/** Returns the body of a Messages call (https://docs.claude.com/en/api/messages) for a request. */
export function createMessagesRequest(request: ModelRequest): Anthropic.MessageCreateParamsStreaming {
  const system = [...request.system.flatMap(toSystemBlocks), ...collectSystemMessageTexts(request.messages)]
  const marks = system.filter(({ cache_control }) => cache_control !== undefined).length
  const cachedMessages = marks < maxCacheMarks ? request.cachedMessages : 0
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    messages: toConversationTurns(request.messages, cachedMessages),
    stream: true,
    ...(system.length > 0 && { system }),
    ...(request.tools.length > 0 && { tools: request.tools.map(toTool) }),
  }
}

function toSystemBlocks({ text, cache }: SystemBlock): readonly Anthropic.TextBlockParam[] {
  // The API refuses blocks without text.
  if (text.trim() === "") return []
  return [{ type: "text", text, ...(cache && { cache_control: { type: "ephemeral" } }) }]
}

function toTool({ name, description, inputSchema }: ToolSpecification): Anthropic.Tool {
  return { name, description, input_schema: { ...inputSchema, type: "object" } }
}

import type { Anthropic } from "@anthropic-ai/sdk"
import type { ModelRequest, SystemBlock, ToolSpecification } from "../../core/ports/model/provider.ts"
import { collectSystemMessageTexts, toConversationTurns } from "./conversation-turns.ts"

/** Returns the body of a Messages call (https://docs.claude.com/en/api/messages) for a request. */
export function createMessagesRequest(request: ModelRequest): Anthropic.MessageCreateParamsStreaming {
  const system = [...request.system.flatMap(toSystemBlocks), ...collectSystemMessageTexts(request.messages)]
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    messages: toConversationTurns(request.messages),
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

import type { OpenAI } from "openai"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { ModelRequest, ToolSpecification } from "../../../../core/ports/model/provider.ts"
import { joinSystemPrompt, toToolParameters } from "../prompt.ts"
import type { HostTraits } from "./hosts.ts"
import { collectSystemTexts, toChatMessages } from "./messages.ts"
import { createThinkingFields } from "./thinking.ts"

type Body = OpenAI.ChatCompletionCreateParamsStreaming

export interface ChatService {
  /** The tag of this service's vendor data. */
  readonly vendor: string
  readonly extraBody?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Returns the body of a Chat Completions call (https://platform.openai.com/docs/api-reference/chat/create) for a
 * request.
 */
export function createChatRequest(
  request: ModelRequest,
  traits: HostTraits,
  { vendor, extraBody = {} }: ChatService,
): Body {
  const { tools = [], stream_options = {} } = extraBody as Partial<Body>
  const prompt = joinSystemPrompt([...request.system, ...collectSystemTexts(request.messages)])
  const allTools = [...tools, ...request.tools.map(toTool)]
  const messages = toChatMessages(request.messages, traits, vendor)
  return {
    ...extraBody,
    ...createThinkingFields(request, traits.thinking),
    model: request.model,
    messages: prompt === "" ? messages : [{ role: "system", content: prompt }, ...messages],
    [traits.maxTokensField]: request.maxTokens,
    stream: true,
    ...(traits.streamUsage && { stream_options: { ...stream_options, include_usage: true } }),
    ...(allTools.length > 0 && { tools: allTools }),
    ...(traits.structuredOutputs &&
      request.outputSchema && { response_format: answerFormat(request.outputSchema) }),
  }
}

function toTool({ name, description, inputSchema }: ToolSpecification): OpenAI.ChatCompletionFunctionTool {
  return { type: "function", function: { name, description, parameters: toToolParameters(inputSchema) } }
}

function answerFormat(schema: JsonObject): OpenAI.ResponseFormatJSONSchema {
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: false } }
}

import type { OpenAI } from "openai"
import type { ModelRequest, ToolSpecification } from "../../../../core/ports/model/provider.ts"
import type { OpenAiOptions } from "../options.ts"
import { joinSystemPrompt, toToolParameters } from "../prompt.ts"
import { canReason } from "../reasoning-models.ts"
import { toInputItems } from "./input-items.ts"

type Body = OpenAI.Responses.ResponseCreateParamsStreaming

/**
 * Returns the body of a Responses call (https://platform.openai.com/docs/api-reference/responses/create) for a
 * request.
 *
 * @param vendor The tag of this service's vendor data.
 */
export function createResponsesRequest(request: ModelRequest, options: OpenAiOptions, vendor: string): Body {
  const { extraBody = {}, store = false, structuredOutputs = true } = options
  const { tools = [], include = [], text = {} } = extraBody as Partial<Body>
  const instructions = joinSystemPrompt(request.system)
  const allTools = [...tools, ...request.tools.map(toTool)]
  const included = new Set(include ?? [])
  if (canReason(request.model)) included.add("reasoning.encrypted_content")
  const reasoning = createReasoning(request, options)
  const format = structuredOutputs && request.outputSchema ? answerFormat(request.outputSchema) : null
  return {
    ...extraBody,
    ...(reasoning && { reasoning: reasoning as OpenAI.Reasoning }),
    model: request.model,
    input: toInputItems(request.messages, { vendor, stored: store }),
    max_output_tokens: request.maxTokens,
    store,
    stream: true,
    ...(included.size > 0 && { include: [...included] }),
    ...(instructions !== "" && { instructions }),
    ...(allTools.length > 0 && { tools: allTools }),
    ...(format && { text: { ...text, format } }),
  }
}

/** Models without reasoning refuse the field, even with the effort `none`. */
function createReasoning({ model, thinkingLevel }: ModelRequest, { reasoning }: OpenAiOptions) {
  if (thinkingLevel === undefined) return reasoning
  return canReason(model) ? { ...reasoning, effort: thinkingLevel } : undefined
}

/** Returns a tool. Strict schemas are not used, because they are a dialect that most tools do not follow. */
function toTool({ name, description, inputSchema }: ToolSpecification): OpenAI.Responses.FunctionTool {
  return { type: "function", name, description, parameters: toToolParameters(inputSchema), strict: false }
}

function answerFormat(
  schema: NonNullable<ModelRequest["outputSchema"]>,
): OpenAI.Responses.ResponseFormatTextJSONSchemaConfig {
  return { type: "json_schema", name: "answer", schema, strict: false }
}

import { z } from "@hono/zod-openapi"
import { functionMembers, functionType, jsonSchema, listOfTools } from "../tools.ts"

/**
 * The members of a request that the gateway reads. All others are ignored, as docs/openai.md lists them.
 * https://platform.openai.com/docs/api-reference/chat/create
 */
const text = z.object({ type: z.literal("text"), text: z.string() })
const image = z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) })
const refusal = z.object({ type: z.literal("refusal"), refusal: z.string() })
const contentSchema = z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, refusal]))])

const callId = z.string().min(1).max(200)
const toolCall = z.object({
  type: functionType.default("function"),
  id: callId,
  function: z.object({ name: z.string(), arguments: z.string() }),
})

const message = z.discriminatedUnion("role", [
  z.object({ role: z.literal("system"), content: contentSchema }),
  z.object({ role: z.literal("developer"), content: contentSchema }),
  z.object({ role: z.literal("user"), content: contentSchema }),
  z.object({
    role: z.literal("assistant"),
    content: contentSchema.nullish(),
    tool_calls: z.array(toolCall).nullish(),
  }),
  z.object({ role: z.literal("tool"), tool_call_id: callId, content: contentSchema }),
])

const format = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({ type: z.literal("json_schema"), json_schema: z.object({ schema: jsonSchema.nullish() }) }),
])

const tool = z.object({ type: functionType, function: z.object(functionMembers) })

export const chatSchema = z.object({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  tools: listOfTools(tool).nullish(),
  response_format: format.nullish(),
  n: z.literal(1, "The gateway gives one answer. Leave out n.").nullish(),
  functions: z.null("The parameter functions is not supported. Use tools.").optional(),
})

export type ChatRequest = z.infer<typeof chatSchema>

import { z } from "@hono/zod-openapi"
import { functionMembers, functionType, jsonSchema, listOfTools } from "../tools.ts"

/**
 * The members of a request that the gateway reads. All others are ignored, as docs/openai.md lists them.
 * https://platform.openai.com/docs/api-reference/responses/create
 */
const text = z.object({ type: z.enum(["input_text", "output_text", "text"]), text: z.string() })
const image = z.object({ type: z.literal("input_image"), image_url: z.string() })
const refusal = z.object({ type: z.literal("refusal"), refusal: z.string() })
const contentSchema = z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, refusal]))])

const role = z.enum(["user", "assistant", "system", "developer"])
const callId = z.string().min(1).max(200)
const item = z.discriminatedUnion("type", [
  z.object({ type: z.literal("message"), role, content: contentSchema }),
  z.object({ type: z.literal("function_call"), call_id: callId, name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal("function_call_output"), call_id: callId, output: contentSchema }),
  z.object({ type: z.literal("reasoning") }),
  z.object({
    type: z.literal("mcp_call"),
    id: callId,
    name: z.string(),
    arguments: z.string(),
    output: z.string().nullish(),
    error: z.unknown(),
  }),
  z.object({ type: z.literal("mcp_list_tools") }),
  z.object({ type: z.literal("item_reference"), id: callId }),
  z.object({ type: z.literal("mcp_approval_request") }),
  z.object({
    type: z.literal("mcp_approval_response"),
    approval_request_id: callId,
    approve: z.boolean(),
    reason: z.string().max(10_000).nullish(),
  }),
])

/** Messages and references may come without a type. */
const itemSchema = z.preprocess((value) => {
  const given = Object(value) as { readonly type?: unknown; readonly role?: unknown; readonly id?: unknown }
  if (given.type !== undefined && given.type !== null) return value
  if (given.role !== undefined) return { ...given, type: "message" }
  return given.id === undefined ? value : { ...given, type: "item_reference" }
}, item)

const format = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  z.object({ type: z.literal("json_schema"), schema: jsonSchema }),
])

const functionsAndServers =
  "Only functions are supported, and tools of type mcp that name the agent or one of its MCP servers, " +
  "without an address."

/** A server of the agent, whose calls the gateway makes itself. Servers of the client are refused. */
const namedServer = z.object({
  type: z.literal("mcp"),
  server_label: z.string(),
  server_url: z.null(functionsAndServers).optional(),
  connector_id: z.null(functionsAndServers).optional(),
})

const tool = z.discriminatedUnion(
  "type",
  [z.object({ type: functionType, ...functionMembers }), namedServer],
  {
    error: functionsAndServers,
  },
)

const id = z.string().min(1).max(200)

export const requestSchema = z.object({
  model: z.string().min(1).max(200).optional(),
  input: z.union([z.string(), z.array(itemSchema)]).optional(),
  instructions: z.string().nullish(),
  conversation: z.union([id, z.object({ id })]).nullish(),
  previous_response_id: id.nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((metadata) => Object.keys(metadata).length <= 16, "Too big: expected at most 16 keys")
    .nullish(),
  tools: listOfTools(tool).nullish(),
  text: z.object({ format: format.nullish() }).nullish(),
  prompt: z.null("Prompt templates are not supported.").optional(),
})

export type ResponseRequest = z.infer<typeof requestSchema>
export type GivenTool = z.infer<typeof tool>
export type InputItem = z.infer<typeof item>
export type OutputFormat = z.infer<typeof format>

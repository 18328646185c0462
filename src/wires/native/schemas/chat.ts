import { z } from "@hono/zod-openapi"
import type { JsonObject } from "../../../core/json/json.ts"
import { isJsonObject } from "../../../core/json/json.ts"
import { isLongerThan } from "../../../http/schemas/parts/json-length.ts"
import { listOf } from "../../../http/schemas/parts/list.ts"
import { clientToolsSchema } from "./client-tools.ts"
import { imageInputSchema, textBlockSchema, textInputSchema } from "./content.ts"

/** Maximum characters of the context's JSON, which is stored with the run. */
const maxContextCharacters = 65_536
const maxNameCharacters = 256

const userContentSchema = z.union([
  z.string().min(1),
  listOf(z.discriminatedUnion("type", [textInputSchema, imageInputSchema]), 1),
])

/** The text may be empty, because a response may be interrupted before its first word. */
const assistantContentSchema = z.union([z.string(), listOf(textBlockSchema)])

const systemContentSchema = z.union([z.string().min(1), listOf(textInputSchema, 1)])

export const chatMessageSchema = z
  .discriminatedUnion("role", [
    z.object({ role: z.literal("user"), content: userContentSchema }),
    z.object({ role: z.literal("assistant"), content: assistantContentSchema }),
    z.object({ role: z.literal("system"), content: systemContentSchema }),
  ])
  .openapi("ChatMessage")

const contextSchema = z
  .custom<JsonObject>(isJsonObject, "Invalid input: expected object")
  .refine((context) => !("channel" in context) || isChannel(context.channel), {
    path: ["channel"],
    message: `Invalid input: expected a string of 1 to ${maxNameCharacters} characters`,
  })
  .refine((context) => !isLongerThan(maxContextCharacters, context), {
    message: `Too big: expected at most ${maxContextCharacters} characters of JSON`,
  })
  .openapi({
    type: "object",
    additionalProperties: true,
    properties: {
      channel: {
        type: "string",
        minLength: 1,
        maxLength: maxNameCharacters,
        description: "Name of the client's channel, such as `voice`.",
      },
    },
    description: "The app's own data for this run. `channel` may choose how the run is executed.",
  })

export const chatRequestSchema = z
  .object({
    messages: listOf(chatMessageSchema, 1).optional().openapi({
      description: "The whole conversation as the client holds it; the last message is the user's.",
    }),
    message: userContentSchema
      .optional()
      .openapi({ description: "Only the new message. The server uses its own history." }),
    context: contextSchema.optional(),
    model: z.string().min(1).max(maxNameCharacters).nullish().openapi({
      description:
        "Model of the run. Default, also with null: the agent's. With `allowedModels`, one of these.",
    }),
    tools: clientToolsSchema.optional().openapi({
      maxItems: 32,
      description:
        "Tools that this client executes, if the agent allows clients to declare any. Each call waits for " +
        "POST /chat/tool-result.",
    }),
    tool_input_deltas: z
      .boolean()
      .optional()
      .openapi({
        description:
          "If true, the arguments of calls are streamed while the model writes them, as " +
          "`tool_input_delta`. Default false.",
      }),
    when_busy: z
      .enum(["reject", "queue", "interrupt", "steer"])
      .optional()
      .openapi({
        description:
          "Decides what happens to the message while a run of the session is open or due. `reject` (default): 409. " +
          "`queue`: it runs after them. `interrupt`: the open run is cancelled, and the message " +
          "runs next. `steer`: it joins the open run " +
          "between two of its turns, and the response is that run's stream.",
      }),
  })
  .refine(({ messages, message }) => (messages === undefined) !== (message === undefined), {
    message: "Expected exactly one of the fields message and messages",
  })
  .openapi("ChatRequest", {
    oneOf: [{ required: ["messages"] }, { required: ["message"] }],
    example: { messages: [{ role: "user", content: "What is the capital of France?" }] },
  })

export type ChatRequest = z.output<typeof chatRequestSchema>
export type ChatMessage = z.output<typeof chatMessageSchema>
export type UserContent = z.output<typeof userContentSchema>

function isChannel(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= maxNameCharacters
}

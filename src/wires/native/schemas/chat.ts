import { z } from "@hono/zod-openapi"
import { clientToolsSchema } from "../../../http/schemas/parts/client-tools.ts"
import { contextSchema, maxNameCharacters } from "../../../http/schemas/parts/context.ts"
import { listOf } from "../../../http/schemas/parts/list.ts"
import { imageInputSchema, textBlockSchema, textInputSchema } from "./content.ts"

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

/** Without a message, the message of the superseded run is repeated. */
function hasOneInput({
  messages,
  message,
  supersede,
}: {
  readonly messages?: unknown
  readonly message?: unknown
  readonly supersede?: unknown
}): boolean {
  const inputs = [messages, message].filter((input) => input !== undefined)
  return inputs.length === 1 || (inputs.length === 0 && supersede !== undefined)
}

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
    supersede: z
      .strictObject({ run_id: z.string().min(1).max(128) })
      .optional()
      .openapi({
        description:
          "The message takes the place of this run and of everything after it. An open run is cancelled, and queued " +
          "messages are withdrawn, whatever `when_busy` is. Without `message`, the message of that run is repeated.",
      }),
  })
  .refine(hasOneInput, { message: "Expected exactly one of the fields message and messages" })
  .refine(({ messages, supersede }) => messages === undefined || supersede === undefined, {
    message: "Expected message, not messages, beside supersede",
  })
  .openapi("ChatRequest", {
    oneOf: [
      { required: ["messages"] },
      { required: ["message"] },
      { required: ["supersede"], not: { required: ["message"] } },
    ],
    example: { messages: [{ role: "user", content: "What is the capital of France?" }] },
  })

export type ChatRequest = z.output<typeof chatRequestSchema>
export type ChatMessage = z.output<typeof chatMessageSchema>
export type UserContent = z.output<typeof userContentSchema>

import { z } from "@hono/zod-openapi"
import { toolErrorSchema, usageSchema } from "./content.ts"

export const taskSchema = z
  .object({
    task_id: z.string(),
    agent_name: z.string().openapi({ description: "Name of the sub-agent." }),
    description: z.string().openapi({ description: "The first characters of the task." }),
    tool_call_id: z.string().openapi({ description: "The call that started the task." }),
    sub_agent_id: z.string().openapi({ description: "Id of the sub-agent's session." }),
    state: z.enum(["running", "completed", "interrupted", "failed"]),
    reason: z.string().nullable().openapi({ description: "Reason of an interrupted task." }),
    result: z
      .string()
      .nullable()
      .openapi({ description: "The sub-agent's last message. Null while it works." }),
    error: toolErrorSchema,
    usage: z.union([usageSchema, z.null()]),
    collected: z.boolean().openapi({ description: "If true, the model has received the result." }),
    started_at: z.int().openapi({ description: "Seconds since the Unix epoch." }),
  })
  .openapi("Task", { description: "A sub-agent that works in the background." })

/** Characters of a message, as for the tool `send_message`. */
const maxMessageCharacters = 100_000

export const taskMessageRequestSchema = z
  .strictObject({ message: z.string().min(1).max(maxMessageCharacters) })
  .openapi("TaskMessageRequest", { example: { message: "Only look at this year." } })

export const taskMessageResponseSchema = z
  .object({ status: z.literal("ok"), run_id: z.string() })
  .openapi("TaskMessageResponse", { example: { status: "ok", run_id: "task_4fzyo82mvyr7jtnc1q9x" } })

export const tasksResponseSchema = z.object({ tasks: z.array(taskSchema) }).openapi("TasksResponse")

export type WireTask = z.input<typeof taskSchema>

import { z } from "@hono/zod-openapi"
import {
  anyJsonSchema,
  imageBlockSchema,
  textBlockSchema,
  toolErrorSchema,
  toolInputSchema,
} from "./content.ts"

const historyMessageSchema = z
  .object({
    role: z.enum(["user", "assistant", "system", "tool"]),
    content: z.array(
      z.discriminatedUnion("type", [
        textBlockSchema,
        imageBlockSchema,
        z.object({ type: z.literal("thinking"), text: z.string() }),
        z.object({
          type: z.literal("tool_call"),
          tool_call_id: z.string(),
          tool_name: z.string(),
          tool_input: toolInputSchema,
        }),
        z.object({
          type: z.literal("tool_result"),
          tool_call_id: z.string(),
          result: anyJsonSchema,
          error: toolErrorSchema,
        }),
      ]),
    ),
  })
  .openapi("HistoryMessage", {
    description:
      "What a tool returned follows the assistant's message that called it, as a message of the role `tool`.",
  })

export const historyResponseSchema = z
  .object({
    messages: z.array(historyMessageSchema),
    pending_approvals: z
      .array(z.never().openapi({ type: "object" }))
      .openapi({ description: "Calls that wait for a human." }),
    active_run: z
      .object({
        run_id: z.string(),
        cursor: z.int().openapi({ description: "Subscribe from here to see the run from its start." }),
      })
      .nullable(),
    last_seq: z.int().openapi({ description: "Subscribe from here to see only what is new." }),
  })
  .openapi("History", {
    example: {
      messages: [{ role: "user", content: [{ type: "text", text: "What is the capital of France?" }] }],
      pending_approvals: [],
      active_run: { run_id: "run_4fzyo82mvyr7jtnc1q9x", cursor: 1_000_000_000 },
      last_seq: 1_000_000_004,
    },
  })

export type HistoryResponse = z.input<typeof historyResponseSchema>
export type HistoryMessage = z.input<typeof historyMessageSchema>

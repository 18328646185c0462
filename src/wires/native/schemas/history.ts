import { z } from "@hono/zod-openapi"
import {
  anyJsonSchema,
  imageBlockSchema,
  providerMessageSchema,
  resultMarks,
  textBlockSchema,
  toolErrorSchema,
  toolInputSchema,
  usageSchema,
} from "./content.ts"
import { questionShape, toolServer } from "./question.ts"
import { taskSchema } from "./tasks.ts"

const historyMessageSchema = z
  .object({
    role: z.enum(["user", "assistant", "system", "tool"]),
    run_id: z
      .string()
      .optional()
      .openapi({ description: "The run that the message started. Only in such messages of the user." }),
    superseded: z
      .literal(true)
      .optional()
      .openapi({ description: "Present if another message took the place of the message's run." }),
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
          type: z.literal("data"),
          tool_call_id: z.string(),
          name: z.string(),
          value: anyJsonSchema,
        }),
        z.object({
          type: z.literal("tool_result"),
          tool_call_id: z.string(),
          result: anyJsonSchema,
          error: toolErrorSchema,
          ...resultMarks,
          duration_ms: z.int().optional().openapi({
            description:
              "Milliseconds from the call's first execution to its result. Absent if it was interrupted.",
          }),
          server: z.string().optional().openapi({ description: "The MCP server behind the tool." }),
          output: z
            .array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() }))
            .optional()
            .openapi({ description: "The end of the call's live output: at most 4 000 characters." }),
          sub_agents: z
            .array(z.object({ sub_agent_id: z.string(), agent_name: z.string() }))
            .optional()
            .openapi({
              description: "Sub-agents that worked for the call. `sub_agent_id` gives the history of each.",
            }),
        }),
        z.object({
          type: z.literal("run_end"),
          outcome: z.enum(["interrupted", "failed"]),
          reason: z.string().nullable().openapi({
            description: "Reason of the interruption, or code of the failure, as in the stream.",
          }),
          error: z.string().nullable().openapi({ description: "Message of a failed run." }),
          provider_message: providerMessageSchema,
          summary: z
            .string()
            .optional()
            .openapi({ description: "Text that the agent's `onMaxTurns` returned." }),
        }),
        z.object({
          type: z.literal("compaction"),
          cursor: z.int().openapi({ description: "Id of the event `compaction` in the session's stream." }),
          chars: z.int().openapi({ description: "Characters of the summary." }),
          tokens_before: z.int(),
          tokens_after: z.int(),
        }),
      ]),
    ),
  })
  .openapi("HistoryMessage", {
    description:
      "The end of a run that did not complete, a block of the type `run_end`, is in a message of the assistant. " +
      "The result of a tool follows the assistant's message that called it, as a message of the role `tool`. " +
      "Data that the tool emitted while it ran, blocks of the type `data`, precedes its result. A block of the type " +
      "`compaction` marks the place at which a summary replaced the earlier messages for the model. It is at the " +
      "beginning of the assistant's next message, or alone in a message if a message of the user follows.",
  })

export const subAgentId = z.string().optional().openapi({
  description: "Id of the sub-agent's session. Absent if the session is the root of its tree.",
})

const pendingSchema = z.object({
  tool_call_id: z.string(),
  nonce: z.string().openapi({ description: "Send it back with the answer." }),
  expires_at: z.int().openapi({ description: "Seconds since the Unix epoch." }),
  tool_name: z.string(),
  sub_agent_id: subAgentId,
})

export const pendingCallSchema = pendingSchema.extend({ tool_input: toolInputSchema })

/** The members of an approval that only an operator may answer. */
export const approverShape = {
  nonce: z
    .string()
    .openapi({ description: "Send it back with the answer. Empty if only an operator may answer." }),
  approvals_by: z
    .literal("operator")
    .optional()
    .openapi({ description: "Present if only an operator may answer. The client then shows no buttons." }),
}

export const pendingApprovalSchema = pendingCallSchema.extend({
  ...approverShape,
  server: toolServer,
  resolved_qualifier: z.string().nullable(),
  reason: z.string().nullable(),
})

export const pendingElicitationSchema = pendingSchema.extend(questionShape)

const maxRuns = 100
const maxTurns = 100
/** Runs of a page of earlier messages, unless the client asks for another number. */
export const defaultRuns = 20

function isPosition(value: string): boolean {
  return /^[1-9]\d{0,15}$/.test(value) && Number.isSafeInteger(Number(value))
}

// A misspelled member would read the whole history.
export const historyQuerySchema = z.strictObject({
  sub_agent_id: z.string().max(128).optional().openapi({
    description: "A sub-agent of the session, at any depth. The response is then its own history.",
  }),
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, `expected a whole number from 1 to ${maxRuns}`)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: maxRuns,
      description: `Number of runs whose messages the page has. Default: all, and ${defaultRuns} with \`before\`.`,
    }),
  turns: z
    .string()
    .regex(/^([1-9]\d?|100)$/, `expected a whole number from 1 to ${maxTurns}`)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: maxTurns,
      description:
        "Maximum number of turns whose messages the page has, for runs with many turns. The page may start " +
        "within a run. Default: all.",
    }),
  before: z.string().refine(isPosition, "expected the `before` of another page").optional().openapi({
    type: "integer",
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The `before` of the page of later messages.",
  }),
})

const waitingContentSchema = z
  .array(z.discriminatedUnion("type", [textBlockSchema, imageBlockSchema]))
  .nullable()
  .openapi({ description: "The message. Null for a message of more than 16 KiB." })

export const historyResponseSchema = z
  .object({
    messages: z.array(historyMessageSchema),
    pending_approvals: z
      .array(pendingApprovalSchema)
      .openapi({ description: "Calls that wait for POST /chat/tool-approval." }),
    pending_tool_calls: z
      .array(pendingCallSchema)
      .openapi({ description: "Calls that wait for POST /chat/tool-result." }),
    pending_elicitations: z
      .array(pendingElicitationSchema)
      .openapi({ description: "Questions that wait for POST /chat/elicitation." }),
    active_run: z
      .object({
        run_id: z.string(),
        cursor: z.int().openapi({ description: "Subscribe from here to see the run from its start." }),
      })
      .nullable(),
    queued_runs: z
      .array(
        z.object({
          run_id: z.string(),
          position: z.int().openapi({ description: "1 for the run that is taken next." }),
          not_before: z
            .int()
            .nullable()
            .openapi({ description: "Seconds since the Unix epoch; null for at once." }),
          content: waitingContentSchema,
        }),
      )
      .openapi({
        description:
          "Accepted messages whose runs are not open yet, in their order. POST /chat/cancel with the `run_id` " +
          "withdraws one; GET /chat/subscribe with it follows it.",
      }),
    steering_messages: z.array(z.object({ message_id: z.string(), content: waitingContentSchema })).openapi({
      description:
        "Messages that join the open run at its next turn, in their order. POST /chat/cancel with the " +
        "`message_id` withdraws one.",
    }),
    running_tasks: z
      .array(taskSchema)
      .openapi({ description: "Background tasks that run. GET /chat/tasks lists the others as well." }),
    usage: usageSchema.openapi({ description: "Tokens and cost of all runs of the session." }),
    has_more: z.boolean().openapi({ description: "If true, there are earlier messages." }),
    before: z.int().nullable().openapi({
      description: "Gives the page of earlier messages as the parameter `before`. Null if there are none.",
    }),
    last_seq: z.int().openapi({
      description:
        "The id of the last event in `messages`. Subscribe from here to see what follows, from " +
        "the first word of what is being said.",
    }),
  })
  .openapi("History", {
    example: {
      messages: [{ role: "user", content: [{ type: "text", text: "What is the capital of France?" }] }],
      pending_approvals: [],
      pending_tool_calls: [],
      pending_elicitations: [],
      queued_runs: [],
      steering_messages: [],
      running_tasks: [],
      active_run: { run_id: "run_4fzyo82mvyr7jtnc1q9x", cursor: 1_000_000_000 },
      usage: {
        input_tokens: 12,
        output_tokens: 8,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        estimated_cost: 0.000156,
      },
      has_more: false,
      before: null,
      last_seq: 1_000_000_004,
    },
  })

export type HistoryResponse = z.input<typeof historyResponseSchema>
export type HistoryMessage = z.input<typeof historyMessageSchema>
export type Pending = z.input<typeof pendingSchema>

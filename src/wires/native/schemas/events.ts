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
import { approverShape } from "./history.ts"
import { questionShape, toolServer } from "./question.ts"

const toolCall = { tool_call_id: z.string(), tool_name: z.string() }
const subAgentId = z
  .string()
  .optional()
  .openapi({ description: "The sub-agent that the event belongs to. Absent for the session itself." })
/** Declared, so that a client can ask every event for its sub-agent. */
const noSubAgentId = z
  .string()
  .optional()
  .openapi({ description: "Never present, because a sub-agent ends with `sub_agent_end`." })
const executionLocation = z.enum(["backend", "client"])

function event<Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
  description: string,
) {
  return z.object({ type: z.literal(type), sub_agent_id: subAgentId, ...shape }).openapi({ description })
}

/** Every event that a stream may contain. */
export const chatEventSchema = z
  .discriminatedUnion("type", [
    event("text_delta", { text: z.string() }, "A piece of the response."),
    event("thinking_delta", { text: z.string() }, "A piece of the model's reasoning."),
    event(
      "tool_input_delta",
      { ...toolCall, text: z.string() },
      "A piece of a call's arguments, as the model writes them as JSON. Only in streams that were " +
        "asked for it. The `tool_call_start` with this id has the whole input.",
    ),
    event(
      "tool_call_start",
      {
        ...toolCall,
        tool_input: toolInputSchema,
        execution_location: executionLocation,
        call_index: z.int(),
        nonce: z.string().optional(),
      },
      "The model requested a call. For a client tool, the event comes again when the client may execute it: " +
        "with a nonce, to be sent with POST /chat/tool-result.",
    ),
    event(
      "interceptor_decision",
      {
        ...toolCall,
        action: z.enum(["warn", "ask", "deny"]),
        code: z.string().nullable(),
        message: z.string().nullable(),
      },
      "An interceptor returned `warn`, `ask` or `deny` for the call.",
    ),
    event(
      "tool_approval_request",
      {
        ...toolCall,
        ...approverShape,
        expires_at: z.int(),
        server: toolServer,
        tool_input: toolInputSchema,
        resolved_qualifier: z.string().nullable(),
        reason: z.string().nullable(),
      },
      "The call waits for POST /chat/tool-approval until `expires_at`, in seconds since the Unix epoch.",
    ),
    event(
      "approval_resolved",
      {
        tool_call_id: z.string(),
        approved: z.boolean(),
        edited: z.boolean(),
        decided_by: z.string(),
      },
      "The call was allowed or denied. `decided_by` is the user's id, `operator`, `expiry` if no one " +
        "answered in time, otherwise the channel of the answer.",
    ),
    event(
      "elicitation_request",
      { ...toolCall, nonce: z.string(), expires_at: z.int(), ...questionShape },
      "A tool asks the user a question and waits for POST /chat/elicitation " +
        "until `expires_at`, in seconds since the Unix epoch.",
    ),
    event(
      "elicitation_resolved",
      {
        tool_call_id: z.string(),
        action: z.enum(["accept", "decline", "cancel"]),
        decided_by: z.string(),
      },
      "The question was answered, or it expired or its call ended. `decided_by` is the user's id, " +
        "`expiry` if no one answered, otherwise the channel of the answer.",
    ),
    event(
      "tool_call_complete",
      {
        ...toolCall,
        result: anyJsonSchema,
        error: toolErrorSchema,
        ...resultMarks,
        duration_ms: z.number(),
        server: z.string().nullable(),
        execution_location: executionLocation,
      },
      "The call's result, or its error. Content blocks are in `result.content`.",
    ),
    event(
      "tool_call_interrupted",
      {
        ...toolCall,
        reason: z.enum(["cancelled", "crashed", "lost"]),
        outcome: z.enum(["unknown", "not_started"]),
      },
      "The call will have no result. With the outcome `unknown`, it may have taken effect.",
    ),
    event(
      "tool_output_chunk",
      { ...toolCall, stream: z.enum(["stdout", "stderr"]), text: z.string(), seq: z.int() },
      "A running tool's output; `seq` counts the chunks of one call.",
    ),
    event(
      "data",
      {
        tool_call_id: z.string(),
        run_id: z.string(),
        name: z.string(),
        value: anyJsonSchema,
        transient: z.literal(true).optional(),
      },
      "A custom event of a running tool. " +
        "A `transient` one is not stored: it is not in the history, and no stream repeats it.",
    ),
    event(
      "run_queued",
      { run_id: z.string(), position: z.int() },
      "First in the stream of a run that has to wait. `position` is 1 for the run that is taken next. Has no id.",
    ),
    event(
      "run_withdrawn",
      { run_id: z.string() },
      "A queued run was withdrawn. Sent to subscribers of the whole session; the run's own stream ends with " +
        "`stream_complete`.",
    ),
    event(
      "user_message_added",
      { content: z.array(z.discriminatedUnion("type", [textBlockSchema, imageBlockSchema])) },
      "A message of the user joined the run, sent with `when_busy: steer`.",
    ),
    event(
      "task_registered",
      {
        task_id: z.string(),
        agent_name: z.string(),
        description: z.string().openapi({ description: "The first characters of the task." }),
        tool_call_id: z.string(),
      },
      "A call started a sub-agent in the background.",
    ),
    event(
      "task_progress",
      {
        task_id: z.string(),
        agent_name: z.string(),
        turn: z.int(),
        tool_name: z.string().nullable(),
        usage: z.union([usageSchema, z.null()]),
      },
      "The turn that a background task is in, the tool that it runs, if any, and the usage of its turns so far. " +
        "`usage` is null for a client that connects in the middle of a long task. At most one a second for each " +
        "task. Has no id, and is not repeated.",
    ),
    event(
      "task_completed",
      {
        task_id: z.string(),
        agent_name: z.string(),
        disposition: z.enum(["completed", "interrupted", "failed"]),
        reason: z.string().optional(),
        result: z.string().optional().openapi({ description: "The response, unless the task failed." }),
        error: toolErrorSchema.optional(),
        usage: usageSchema,
      },
      "A background task has ended. The model has not seen its result yet.",
    ),
    event(
      "compaction",
      { chars: z.int(), tokens_before: z.int(), tokens_after: z.int() },
      "A summary of `chars` characters stands for the older messages from now on, for the model alone: the " +
        "history has them all. Estimated tokens of the next request, without and with the summary.",
    ),
    z
      .object({
        type: z.literal("sub_agent_start"),
        sub_agent_id: z.string(),
        agent_name: z.string(),
        tool_call_id: z.string(),
        parent_sub_agent_id: z.string().nullable(),
        turn: z.int(),
        task_id: z.string().optional(),
      })
      .openapi({
        description:
          "The events of a sub-agent follow, which works for the call `tool_call_id`: of the " +
          "sub-agent `parent_sub_agent_id`, or of the session itself. After a reconnect it comes " +
          "again, and the events of the sub-agent's turn `turn` and later with it: drop what was shown of " +
          "them. With `task_id`, the sub-agent works for that background task, and only its waits and its end " +
          "follow: GET /chat/tasks/{id}/subscribe has all of its events. Has no id.",
      }),
    z
      .object({
        type: z.literal("sub_agent_end"),
        sub_agent_id: z.string(),
        outcome: z.enum(["completed", "interrupted", "failed"]),
        reason: z.string().optional().openapi({ description: "Reason of an interruption." }),
        error: z
          .object({ code: z.string(), message: z.string(), provider_message: providerMessageSchema })
          .optional(),
        usage: usageSchema,
        duration_ms: z.int(),
      })
      .openapi({
        description:
          "The sub-agent has ended. `usage` is that of its run, and `duration_ms` is the time since its session " +
          "was created. `error` is present if it failed. The session's own run continues. Has no id.",
      }),
    event(
      "status",
      { run_id: z.string(), message: z.string() },
      "What the run waits for, as a sentence for the user: a slow MCP server, or the store. The next event of the run " +
        "replaces it. Not stored: it is not in the history, and no stream repeats it. Has no id.",
    ),
    event(
      "heartbeat",
      { timestamp: z.number() },
      "Sent while nothing else happens. Seconds since the Unix epoch. Has no id.",
    ),
    event(
      "stream_retry",
      { attempt: z.int(), error: z.string() },
      "Discards the text of this turn so far. The model responds again.",
    ),
    event("stream_error", { error: z.string() }, "One event could not be sent. The stream continues."),
    event(
      "turn_complete",
      { turn: z.int(), usage: usageSchema },
      "A turn ended: a model response and its tool calls.",
    ),
    event(
      "max_turns_reached",
      {
        turn_count: z.int(),
        max_turns: z.int(),
        summary: z
          .string()
          .optional()
          .openapi({ description: "Text that the agent's `onMaxTurns` returned." }),
      },
      "The run reached its maximum number of turns.",
    ),
    event(
      "budget_exceeded",
      { total_cost: z.number(), budget: z.number() },
      "The next model call could have exceeded the run's budget. In US dollars; `total_cost` is the amount spent.",
    ),
    event(
      "stream_complete",
      {
        sub_agent_id: noSubAgentId,
        usage: usageSchema,
        terminal_disposition: z.enum(["completed", "interrupted"]),
        reason: z.string().optional(),
      },
      "Terminal: the session's own run ended.",
    ),
    event(
      "error",
      {
        sub_agent_id: noSubAgentId,
        error: z.string(),
        code: z.string(),
        provider_message: providerMessageSchema,
      },
      "Terminal: the session's own run failed.",
    ),
  ])
  .openapi("ChatEvent", {
    description:
      "The JSON in one `data:` line. The frame's `id:` is a cursor for `Last-Event-ID` and " +
      "`after_seq`. An event with `sub_agent_id` belongs to that sub-agent and not to the session " +
      "itself; it has no id. `stream_complete` and `error` never have one: a sub-agent ends with `sub_agent_end`.",
  })

/** Keywords of JSON Schema 2020-12 that the library's types do not contain. */
const jsonOfEvent = {
  contentMediaType: "application/json",
  contentSchema: { $ref: "#/components/schemas/ChatEvent" },
}

/** One frame of a stream. */
export const eventFrameSchema = z
  .object({
    id: z
      .string()
      .optional()
      .openapi({ description: "A cursor for `Last-Event-ID` and `after_seq`. Not every frame has one." }),
    data: z.string().openapi({ description: "A ChatEvent as JSON.", ...jsonOfEvent }),
  })
  .openapi("EventFrame", { description: "Each server-sent event of the stream." })

export type ChatEvent = z.input<typeof chatEventSchema>

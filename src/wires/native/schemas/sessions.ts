import { z } from "@hono/zod-openapi"
import { printable } from "../../../http/schemas/parts/printable.ts"

const sessionStates = ["idle", "queued", "running", "waiting", "unserved"] as const
const runStates = ["queued", "running", "waiting", "unserved", "completed", "interrupted", "failed"] as const

export const defaultSessionsLimit = 50
const maxSessionsLimit = 200

// A misspelled filter would list all sessions.
export const sessionsQuerySchema = z.strictObject({
  agent: printable(64).optional().openapi({ description: "Only sessions with this agent." }),
  state: z.enum(sessionStates).optional().openapi({ description: "Only sessions in this state." }),
  after: z.string().optional().openapi({
    description: "The `next` of the previous page.",
    // The route checks it, because its refusal has its own code.
    pattern: "^[0-9]{1,16}\\.[A-Za-z0-9_-]{1,128}$",
  }),
  limit: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|200)$/, `expected a whole number from 1 to ${maxSessionsLimit}`)
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: maxSessionsLimit, default: defaultSessionsLimit }),
})

const seconds = z.int().openapi({ description: "Seconds since the Unix epoch." })

const sessionShape = {
  session_id: z.string(),
  external_id: z
    .string()
    .nullable()
    .openapi({ description: "The id that was given to `POST /chat/init`; null if it has none." }),
  agent: z.string().openapi({ description: "Name of the agent that the session is with." }),
  state: z.enum(sessionStates).openapi({
    description:
      "State of its open run. `waiting`: an answer from outside is open. `unserved`: no server " +
      "serves its agent at the moment.",
  }),
  active_run_id: z.string().nullable().openapi({ description: "The open run; null if there is none." }),
  parent: z
    .object({ session_id: z.string(), run_id: z.string(), tool_call_id: z.string() })
    .nullable()
    .openapi({ description: "The tool call that started the session." }),
  root_session_id: z.string().openapi({ description: "The root of its tree; its own id without a parent." }),
  created_at: seconds,
  last_used_at: seconds,
  stored_bytes: z
    .int()
    .openapi({ description: "Size of its stored events, which `limits.sessionBytes` bounds." }),
}

const listedSessionSchema = z.object(sessionShape).openapi("Session", {
  example: {
    session_id: "sess_4fzyo82mvyr7jtnc1q9x",
    external_id: null,
    agent: "agent",
    state: "idle",
    active_run_id: null,
    parent: null,
    root_session_id: "sess_4fzyo82mvyr7jtnc1q9x",
    created_at: 1_790_000_000,
    last_used_at: 1_790_000_060,
    stored_bytes: 2_048,
  },
})

export const sessionsResponseSchema = z
  .object({
    sessions: z.array(listedSessionSchema),
    next: z
      .string()
      .nullable()
      .openapi({
        description:
          "For `after`; null after the last page. A page may hold less than its limit, even " +
          "nothing, although others follow.",
      }),
  })
  .openapi("Sessions")

export const sessionResponseSchema = z
  .object({
    ...sessionShape,
    runs: z
      .array(z.object({ run_id: z.string(), state: z.enum(runStates), created_at: seconds }))
      .openapi({ description: "Its newest runs, at most 20, newest first." }),
  })
  .openapi("SessionWithRuns")

export type WireSession = z.input<typeof listedSessionSchema>
export type SessionResponse = z.input<typeof sessionResponseSchema>

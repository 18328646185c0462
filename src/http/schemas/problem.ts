import { z } from "@hono/zod-openapi"
import type { JsonObject } from "../../core/json/json.ts"

const problemSchema = z
  .object({
    type: z.string().openapi({ format: "uri" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "Safe to show to anyone." }),
    code: z.string().openapi({ description: "Stable code for programs." }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: "With 422: each field that is not valid. An empty path is the body itself." }),
    run_id: z.string().optional().openapi({ description: "With `run_active`: the run that is open." }),
  })
  .openapi("Problem", {
    description: "RFC 9457.",
    example: {
      type: "urn:ai-agent-gateway:problem:run_active",
      title: "Run active",
      status: 409,
      detail: "A run of this session is still open.",
      code: "run_active",
      run_id: "run_4fzyo82mvyr7jtnc1q9x",
    },
  })

const meanings = {
  400: "Malformed: `malformed_json`, `incomplete_body`, `invalid_cursor`, `invalid_idempotency_key`, `model_not_allowed`.",
  401: "Not authenticated: `invalid_token`, `token_expired`, `session_not_found`, `session_revoked`, `invalid_api_key`, `invalid_credentials`.",
  403:
    "Forbidden. `wrong_nonce`: the nonce is not that of the wait. " +
    "`origin_not_allowed`: a page of another site sent the request. `users_unknown`: any API key is " +
    "accepted, so sessions are not listed.",
  404:
    "Not there: `agent_not_found`, `session_not_found`, `no_active_run`, `wait_not_found`, " +
    "`grant_not_found`, `file_not_found`, `memory_not_found`.",
  409:
    "`run_active`: a run of this session is open; its id is in `run_id`. `already_answered`: the " +
    "first answer counts.",
  410: "`wait_expired`: the wait has expired, or its run has ended or is being cancelled.",
  413:
    "`body_too_large`. `session_too_large`: start a new session. `principal_storage_exceeded`: all " +
    "sessions of the user store too much.",
  415: "`unsupported_media_type`: bodies are application/json.",
  421: "`host_not_allowed`: the request names a host that the gateway does not serve.",
  422: "The request is not valid: `invalid_body`, `nesting_too_deep`, `too_many_values`, `system_message_not_allowed`, `idempotency_key_reused`, `invalid_answer`.",
  429: "`too_many_viewers`, `too_many_history_reads`; `rate_limited`: try again after `retry-after` seconds. `ratelimit` and `ratelimit-policy` state the remaining requests.",
  500: "`internal_error`.",
  503: "Try again after `retry-after` seconds: `store_unavailable`, `server_busy`, `shutting_down`, `authentication_unavailable`.",
} as const

type ProblemStatus = keyof typeof meanings

/** Any route may return these: before the route is found, and from the HTTP server itself. */
const always = {
  403: problemContent(403),
  421: problemContent(421),
  431: { description: "The headers are larger than 16 KiB. Without a body." },
} as const

/** Returns the error half of a route's responses. */
export function problems<Status extends ProblemStatus>(...statuses: readonly Status[]) {
  const responses = Object.fromEntries(statuses.map((status) => [status, problemContent(status)]))
  return { ...always, ...(responses as Record<Status, ProblemContent>) }
}

/** Returns the same for routes that an OpenAPI operation describes. */
export function problemResponses(...statuses: readonly ProblemStatus[]): JsonObject {
  const content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } }
  const responses = [...statuses, 403 as const, 421 as const].map(
    (status) => [status, { description: meanings[status], content }] as const,
  )
  return { ...Object.fromEntries(responses), 431: { ...always[431] } }
}

type ProblemContent = ReturnType<typeof problemContent>

function problemContent(status: ProblemStatus) {
  const content = { "application/problem+json": { schema: problemSchema } }
  return { description: meanings[status], content }
}

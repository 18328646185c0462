import { z } from "@hono/zod-openapi"

const problemSchema = z
  .object({
    type: z.string().openapi({ format: "uri" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "Safe to show to anyone." }),
    code: z.string().openapi({ description: "Stable: what a program should look at." }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: "With 422: each field that does not fit. An empty path is the body itself." }),
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
  400: "Malformed: `malformed_json`, `invalid_cursor`, `invalid_idempotency_key`, `model_not_allowed`.",
  401: "Not authenticated: `invalid_token`, `token_expired`, `session_not_found`, `session_revoked`, `invalid_api_key`, `invalid_credentials`.",
  403: "`wrong_nonce`: the nonce is not the one that the question came with.",
  404: "Not there: `session_not_found`, `no_active_run`, `wait_not_found`, `grant_not_found`, `file_not_found`.",
  409: "`run_active`: a run of this session is open; its id is in `run_id`. `already_answered`: the first answer counts.",
  410: "`wait_expired`: its time is over, or its run has ended or is being cancelled.",
  413: "`body_too_large`. `session_too_large`: start a new session. `principal_storage_exceeded`: all sessions of the user store too much.",
  415: "`unsupported_media_type`: bodies are application/json.",
  422: "Does not fit: `invalid_body`, `nesting_too_deep`, `system_message_not_allowed`, `idempotency_key_reused`, `input_misfit`.",
  429: "`too_many_viewers`, `too_many_history_reads`; `rate_limited`: try again after `retry-after` seconds. `ratelimit` and `ratelimit-policy` say what is left.",
  500: "`internal_error`.",
  503: "Try again after `retry-after` seconds: `store_unavailable`, `server_busy`, `shutting_down`, `authentication_unavailable`.",
} as const

type ProblemStatus = keyof typeof meanings

/** The error half of a route's responses. */
export function problems<Status extends ProblemStatus>(...statuses: readonly Status[]) {
  const responses = statuses.map((status) => [
    status,
    { description: meanings[status], content: { "application/problem+json": { schema: problemSchema } } },
  ])
  return Object.fromEntries(responses) as Record<
    Status,
    { description: string; content: { "application/problem+json": { schema: typeof problemSchema } } }
  >
}

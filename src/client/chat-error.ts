import type { Problem } from "./wire/messages.ts"

export interface ChatErrorOptions {
  readonly code: string
  readonly message: string
  /** Problem document in the gateway's response. */
  readonly problem?: Problem
  /** HTTP status. Absent if there was no response. */
  readonly status?: number | undefined
  /** If true, the same request may succeed later. */
  readonly retryable: boolean
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/**
 * A request failed permanently. `code` is the code of the gateway's problem document, or one of the client's own:
 *
 * - `unreachable`: there was no response, even after retries.
 * - `stalled`: the gateway or a proxy sent nothing for too long.
 * - `unexpected_response`: the response did not come from a gateway, for example a page of a proxy.
 * - `invalid_stream`: the response was not a valid event stream.
 * - `stream_ended`: the stream repeatedly ended before the run did, or ended again and again.
 * - `response_too_large`: a response of JSON had more than 128 MiB.
 * - `run_lost`: the gateway no longer knows the run, for example because its store was restored from a backup.
 * - `session_changed`: the `token` callback returned a token for another session.
 * - `already_read`: a run was iterated a second time.
 */
export class ChatError extends Error {
  readonly code: string
  readonly problem: Problem | null
  readonly status: number | null
  readonly retryable: boolean
  /** Milliseconds to wait that the gateway requested. */
  readonly retryAfterMs: number | null

  constructor({ code, message, problem, status, retryable, retryAfterMs, cause }: ChatErrorOptions) {
    super(message, cause === undefined ? {} : { cause })
    this.name = "ChatError"
    this.code = code
    this.problem = problem ?? null
    this.status = status ?? null
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs ?? null
  }
}

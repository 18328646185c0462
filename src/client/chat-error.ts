import type { Problem } from "../core/wire/messages.ts"

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
 * - `response_too_large`: a response had more than 128 MiB, or an event of a stream more than 32 Mi characters.
 * - `invalid_stream`: the response was not a valid event stream.
 * - `stream_ended`: the stream repeatedly ended before the run did, or ended again and again.
 * - `run_lost`: the gateway no longer knows the run, for example because its store was restored from a backup.
 * - `session_changed`: the `token` callback returned a token for another session.
 * - `token_timeout`: the `token` callback did not return in time.
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

const lasting = {
  response_too_large: "The response is too large. Read the history in pages, with limit.",
  run_lost: "The gateway no longer knows this run. Was its store restored from a backup?",
  session_changed: "The token is for another session. Pass sessionId to POST /chat/init as session_id.",
  already_read: "A run can be iterated once. To read it again, send the message with the run's key.",
}
const transient = {
  unreachable:
    "The gateway could not be reached. Check the address, and in a browser the gateway's corsOrigins.",
  stalled: "The gateway sent nothing for too long.",
  invalid_stream: "The event stream is invalid. A proxy may have changed it.",
  stream_ended: "The event stream ended before the run did.",
  token_timeout: "The token callback did not return in time.",
}
const messages = { ...lasting, ...transient }

/** Creates an error with a code of the client's own. */
export function createClientError(code: keyof typeof messages, cause?: unknown): ChatError {
  return new ChatError({ code, message: messages[code], retryable: code in transient, cause })
}

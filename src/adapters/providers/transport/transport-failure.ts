import type { FailureCode } from "../model-failure.ts"
import { NoResponseError, UnreachableError } from "./post-call.ts"
import { BrokenStreamError } from "./stream-fault.ts"

/** Classifies an error status whose body has no more specific information. */
export function classifyStatus(status: number | undefined): FailureCode {
  switch (status) {
    case 401:
    case 403:
      return "authentication_failed"
    case 404:
      // The body does not mention a model, so the address is probably wrong.
      return "upstream_invalid"
    case 413:
      return "request_too_large"
    case 402:
      return "quota_exceeded"
    case 429:
      return "rate_limited"
    case 503:
    case 529:
      return "overloaded"
    case 408:
    case 504:
      return "upstream_timeout"
    default:
      if (status === undefined || status >= 500) return "upstream_failed"
      // Redirects are not followed. The address is wrong as well.
      return status < 400 ? "upstream_invalid" : "invalid_request"
  }
}

/**
 * Classifies an error thrown while a call is sent, or while the body of its response is read.
 *
 * @param begun If true, a valid part of a response came before it. Invalid JSON then means that bytes were lost.
 */
export function classifyCallError(thrown: unknown, begun = false): FailureCode {
  if (thrown instanceof UnreachableError) return "upstream_unreachable"
  if (thrown instanceof NoResponseError || isBodyTimeout(thrown)) return "upstream_timeout"
  if (thrown instanceof BrokenStreamError) return "upstream_cut"
  if (begun && isUnreadableJson(thrown)) return "upstream_cut"
  // This is fetch's only error while a body is read: the connection broke.
  if (thrown instanceof TypeError && thrown.message === "terminated") return "upstream_cut"
  return "upstream_invalid"
}

/**
 * Returns an error's name and message for the log, its innermost cause, which is the most informative one, and the
 * request that an SDK's error names.
 */
export function describeError(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const cause = thrown.cause instanceof Error ? ` (${findInnermost(thrown.cause)})` : ""
  const request = "requestID" in thrown && thrown.requestID ? ` (request ${thrown.requestID})` : ""
  return `${thrown.name}: ${thrown.message}${cause}${request}`
}

/** Returns the message of the innermost error, for people who do not know the classes of errors. */
export function describeCause(thrown: unknown): string {
  return thrown instanceof Error ? findInnermost(thrown) : String(thrown)
}

/** Returns true for unreadable JSON. The AI SDK has its own class for it. */
function isUnreadableJson(thrown: unknown): boolean {
  return thrown instanceof SyntaxError || (thrown instanceof Error && thrown.name === "AI_JSONParseError")
}

function isBodyTimeout(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error && "code" in cause && cause.code === "UND_ERR_BODY_TIMEOUT"
}

/** Returns the innermost error. Fetch wraps the informative one: "fetch failed" because of ECONNREFUSED. */
function findInnermost(error: Error): string {
  return error.cause instanceof Error ? findInnermost(error.cause) : error.message || error.name
}

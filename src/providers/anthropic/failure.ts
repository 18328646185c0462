import type { APIError } from "@anthropic-ai/sdk"
import type { ModelFailure } from "../../core/ports/provider.ts"
import { type FailureCode, modelFailure } from "../model-failure.ts"
import { redact } from "../redact.ts"
import { retryAfterMs } from "../retry-after.ts"

type Sdk = typeof import("@anthropic-ai/sdk")

/** The failure that something thrown by the SDK or by its stream stands for. `secrets` never reach the detail. */
export function toFailure(thrown: unknown, sdk: Sdk, secrets: readonly string[]): ModelFailure {
  const detail = redact(describe(thrown), secrets)
  if (thrown instanceof sdk.APIConnectionTimeoutError) return modelFailure("upstream_timeout", { detail })
  if (thrown instanceof sdk.APIConnectionError) return modelFailure("upstream_unreachable", { detail })
  if (thrown instanceof sdk.APIError) {
    const said = thrown.headers?.get("x-should-retry")
    return modelFailure(codeOf(thrown), {
      detail,
      retryAfterMs: thrown.headers && retryAfterMs(thrown.headers, Date.now()),
      retryable: said === "true" || (said === "false" ? false : undefined),
    })
  }
  if (isBodyTimeout(thrown)) return modelFailure("upstream_timeout", { detail })
  // fetch's only error while a body is read: the connection broke.
  if (thrown instanceof TypeError && thrown.message === "terminated")
    return modelFailure("upstream_cut", { detail })
  return modelFailure("upstream_invalid", { detail })
}

/** By the body's type, which stream errors have as well; by the status where a proxy answered. */
function codeOf({ type, status, apiMessage }: APIError): FailureCode {
  switch (type) {
    case "authentication_error":
    case "permission_error":
      return "authentication_failed"
    case "invalid_request_error":
      return status === 413
        ? "request_too_large"
        : isTooLong(apiMessage)
          ? "context_too_long"
          : "invalid_request"
    case "not_found_error":
      return "model_not_found"
    case "rate_limit_error":
      return "rate_limited"
    case "overloaded_error":
      return "overloaded"
    case "timeout_error":
      return "upstream_timeout"
    case "api_error":
      return "upstream_failed"
    default:
      return codeOfStatus(status)
  }
}

function codeOfStatus(status: number | undefined): FailureCode {
  switch (status) {
    case 401:
    case 403:
      return "authentication_failed"
    case 404:
      // No word of a model: more likely the address is wrong.
      return "upstream_invalid"
    case 413:
      return "request_too_large"
    case 429:
      return "rate_limited"
    case 529:
      return "overloaded"
    case 408:
    case 504:
      return "upstream_timeout"
    default:
      return status === undefined || status >= 500 ? "upstream_failed" : "invalid_request"
  }
}

/** The API has no type of its own for this. */
function isTooLong(message: string | null): boolean {
  return /prompt is too long|context (window|limit|length)/i.test(message ?? "")
}

function isBodyTimeout(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error && "code" in cause && cause.code === "UND_ERR_BODY_TIMEOUT"
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const cause = thrown.cause instanceof Error ? ` (${causeOf(thrown.cause)})` : ""
  const request = "requestID" in thrown && thrown.requestID ? ` (request ${thrown.requestID})` : ""
  return `${thrown.name}: ${thrown.message}${cause}${request}`
}

/** fetch wraps the error that says something: "fetch failed" because of ECONNREFUSED. */
function causeOf(error: Error): string {
  return error.cause instanceof Error ? causeOf(error.cause) : error.message || error.name
}

import type { APIError } from "@anthropic-ai/sdk"
import type { ModelFailure } from "../../core/ports/provider.ts"
import { type FailureCode, modelFailure } from "../model-failure.ts"
import { redact } from "../redact.ts"
import { retryAfterMs } from "../retry-after.ts"
import { codeOfBodyError, codeOfStatus, describeError } from "../transport-failure.ts"

type Sdk = typeof import("@anthropic-ai/sdk")

export interface FailureContext {
  readonly sdk: Sdk
  /** Texts that never reach a failure's detail. */
  readonly secrets: readonly string[]
}

/**
 * Classifies an error thrown by the SDK, or while the SDK's response is read.
 *
 * @param begun If true, a valid part of the response came before the error.
 */
export function toFailure(thrown: unknown, { sdk, secrets }: FailureContext, begun: boolean): ModelFailure {
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
  return modelFailure(codeOfBodyError(thrown, begun), { detail })
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

/** The API has no type of its own for this. */
function isTooLong(message: string | null): boolean {
  return /prompt is too long|context (window|limit|length)/i.test(message ?? "")
}

function describe(thrown: unknown): string {
  const request =
    thrown instanceof Error && "requestID" in thrown && thrown.requestID
      ? ` (request ${thrown.requestID})`
      : ""
  return `${describeError(thrown)}${request}`
}

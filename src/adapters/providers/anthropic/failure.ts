import type { APIError } from "@anthropic-ai/sdk"
import { isJsonObject } from "../../../core/json/json.ts"
import type { ModelFailure } from "../../../core/ports/model/provider.ts"
import { createModelFailure, type FailureCode, retryAdvice } from "../model-failure.ts"
import { redact } from "../redact.ts"
import { parseRetryAfter } from "../transport/retry-after.ts"
import { NotAStreamError } from "../transport/stream-fault.ts"
import {
  classifyCallError,
  classifyStatus,
  describeCause,
  describeError,
} from "../transport/transport-failure.ts"

type Sdk = typeof import("@anthropic-ai/sdk")

export interface FailureContext {
  readonly sdk: Sdk
  /** Texts that a failure's detail must never contain. */
  readonly secrets: readonly string[]
}

/**
 * Classifies an error thrown while a call is sent, or while its response is read.
 *
 * @param begun If true, a valid part of the response came before the error.
 */
export function toFailure(thrown: unknown, { sdk, secrets }: FailureContext, begun: boolean): ModelFailure {
  const detail = redact(describeError(thrown), secrets)
  const quote = (message: string | null) => redact(message ?? describeCause(thrown), secrets)
  if (thrown instanceof sdk.APIError) {
    const code = classifyApiError(thrown)
    return createModelFailure(code, {
      detail,
      providerMessage: quote(thrown.apiMessage),
      retryAfterMs: thrown.headers && parseRetryAfter(thrown.headers, Date.now()),
      retryable: retryAdvice(code, thrown.headers),
      complaint: thrown.apiMessage ?? undefined,
    })
  }
  // Some proxies report an error with a success status.
  if (thrown instanceof NotAStreamError && isJsonObject(thrown.json) && isJsonObject(thrown.json.error)) {
    const reported = new sdk.APIError(undefined, thrown.json, undefined, undefined)
    return createModelFailure(classifyApiError(reported), {
      detail,
      providerMessage: quote(reported.apiMessage),
      retryable: retryAdvice(classifyApiError(reported), undefined),
    })
  }
  return createModelFailure(classifyCallError(thrown, begun), { detail, providerMessage: quote(null) })
}

/**
 * Returns the code by the type in the body, which error events have as well. The status takes precedence if it is
 * more specific, because proxies put `api_error` into every body.
 */
function classifyApiError({ type, status, apiMessage }: APIError): FailureCode {
  if (status === 401 || status === 402) return classifyStatus(status)
  if (isOutOfCredit(apiMessage)) return "quota_exceeded"
  switch (type as typeof type | "billing_error") {
    case "billing_error":
      return "quota_exceeded"
    case "authentication_error":
    case "permission_error":
      return "authentication_failed"
    case "invalid_request_error":
      if (status !== undefined && (status === 413 || status === 429 || status >= 500))
        return classifyStatus(status)
      return isTooLong(apiMessage) ? "context_too_long" : "invalid_request"
    case "not_found_error":
      return "model_not_found"
    case "rate_limit_error":
      return "rate_limited"
    case "overloaded_error":
      return "overloaded"
    case "timeout_error":
      return "upstream_timeout"
    default:
      return classifyStatus(status)
  }
}

/** Returns true if the account has no credit. The API reports this as an invalid request. */
function isOutOfCredit(message: string | null): boolean {
  return /credit balance is too low/i.test(message ?? "")
}

/** Returns true if the request is too long. The API has no error type for this. */
function isTooLong(message: string | null): boolean {
  return /prompt is too long|context (window|limit|length)/i.test(message ?? "")
}

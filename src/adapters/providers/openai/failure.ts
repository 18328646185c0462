import type { APIError } from "openai"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
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
import type { OpenAiSdk } from "./client.ts"
import { type ServiceComplaint, ServiceError } from "./service-error.ts"

export interface FailureContext {
  readonly sdk: OpenAiSdk
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
  const quote = (message: string) => redact(message, secrets)
  if (thrown instanceof sdk.APIError)
    return classifyRefusal(thrown, { detail, providerMessage: quote(removeStatus(thrown)) })
  if (thrown instanceof ServiceError)
    return createModelFailure(classifyComplaint(thrown), {
      detail,
      providerMessage: quote(thrown.message),
      complaint: `${thrown.code ?? ""} ${thrown.message}`,
    })
  if (thrown instanceof NotAStreamError && isComplaint(thrown.json)) {
    const reported = new ServiceError(thrown.json.error)
    const providerMessage = quote(reported.message)
    return createModelFailure(classifyComplaint(reported), { detail, providerMessage })
  }
  const providerMessage = quote(describeCause(thrown))
  return createModelFailure(classifyCallError(thrown, begun), { detail, providerMessage })
}

/** Returns true for an error body. Some servers and proxies report an error with a success status. */
function isComplaint(json: unknown): json is { readonly error: JsonObject | string } {
  return isJsonObject(json) && (isJsonObject(json.error) || typeof json.error === "string")
}

/** Returns the message of the service, before which the SDK puts the status. */
function removeStatus({ message, status }: APIError): string {
  return status === undefined ? message : message.replace(`${status} `, "")
}

function classifyRefusal(
  { message, code, type, status, headers }: APIError,
  texts: { readonly detail: string; readonly providerMessage: string },
): ModelFailure {
  const failure = classifyComplaint({ message, code: code ?? null, type: type ?? null, status })
  return createModelFailure(failure, {
    ...texts,
    retryAfterMs: headers && parseRetryAfter(headers, Date.now()),
    retryable: retryAdvice(failure, headers),
    complaint: `${code ?? ""} ${message}`,
  })
}

/** Codes of https://platform.openai.com/docs/guides/error-codes, and those of compatible servers. */
const codes: ReadonlyMap<string, FailureCode> = new Map(
  Object.entries({
    insufficient_quota: "quota_exceeded",
    billing_hard_limit_reached: "quota_exceeded",
    billing_not_active: "quota_exceeded",
    billing_error: "quota_exceeded",
    context_length_exceeded: "context_too_long",
    exceed_context_size_error: "context_too_long",
    content_filter: "content_filtered",
    content_policy_violation: "content_filtered",
    image_content_policy_violation: "content_filtered",
    misalignment_policy_violation: "content_filtered",
    bio_policy: "content_filtered",
    invalid_api_key: "authentication_failed",
    model_not_found: "model_not_found",
    invalid_model: "model_not_found",
    rate_limit_exceeded: "rate_limited",
    server_is_overloaded: "overloaded",
    slow_down: "overloaded",
    insufficient_system_resource: "overloaded",
  }),
)

/** For services without such codes, or with one code for all errors. */
const phrases: readonly (readonly [RegExp, FailureCode])[] = [
  [
    /context[ _-]?(length|window|size)|maximum prompt length|prompt is too long|exceeds? the (available |maximum )?context/i,
    "context_too_long",
  ],
  [/credit balance|insufficient (account )?(balance|credits?|funds)|spending limit/i, "quota_exceeded"],
  [/content (management )?(filter|policy)|usage polic|flagged/i, "content_filtered"],
  [/\bmodel\b.{0,80}\b(not found|not exist)|(invalid|not a valid) model/i, "model_not_found"],
  [/(incorrect|invalid) api key|api key (is )?not valid/i, "authentication_failed"],
]

/** Statuses of responses in which a service explains in its message why it refuses a request. */
const wordy: readonly (number | undefined)[] = [400, 403, 404, 422, undefined]

export function classifyComplaint({ message, code, type, status }: ServiceComplaint): FailureCode {
  // These statuses are more reliable than a code in the body, because some proxies use one code for all errors.
  if (status === 401 || status === 402 || status === 413) return classifyStatus(status)
  const known = codes.get(code ?? "") ?? codes.get(type ?? "")
  if (known !== undefined) return known
  const phrase = wordy.includes(status) ? phrases.find(([pattern]) => pattern.test(message)) : undefined
  if (phrase !== undefined) return phrase[1]
  if (status === undefined && isAboutRequest(code ?? type ?? "")) return "invalid_request"
  return classifyStatus(status)
}

/** Returns true if the request is at fault. A response that fails within its stream has no status that tells. */
function isAboutRequest(code: string): boolean {
  return /^(invalid|unsupported|empty|image|failed_to_download)_/.test(code)
}

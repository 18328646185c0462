import { z } from "zod"
import { isJsonObject } from "../../../core/json/json.ts"
import type { ModelFailure } from "../../../core/ports/model/provider.ts"
import { createModelFailure, type FailureCode, retryAdvice } from "../model-failure.ts"
import { classifyComplaint } from "../openai/failure.ts"
import { redact } from "../redact.ts"
import { parseRetryAfter } from "../transport/retry-after.ts"
import { classifyCallError, describeCause, describeError } from "../transport/transport-failure.ts"

/**
 * Schema of the members that are read of an `APICallError`, of errors within a stream, which are often not an
 * `Error`, and of a provider's error body.
 */
const complaint = z.object({
  name: z.string().catch(""),
  message: z.string().catch(""),
  code: z.string().nullable().catch(null),
  type: z.string().nullable().catch(null),
  statusCode: z.int().optional().catch(undefined),
  isRetryable: z.boolean().optional().catch(undefined),
  responseHeaders: z.record(z.string(), z.string()).catch({}),
  cause: z.unknown().optional(),
  data: z.unknown().optional(),
})
type Complaint = z.infer<typeof complaint>

/** Names of errors that are not a provider's response. */
const named: ReadonlyMap<string, FailureCode> = new Map(
  Object.entries({
    AI_InvalidArgumentError: "invalid_request",
    AI_InvalidPromptError: "invalid_request",
    AI_LoadAPIKeyError: "authentication_failed",
    AI_LoadSettingError: "authentication_failed",
    AI_NoSuchModelError: "model_not_found",
    AI_UnsupportedFunctionalityError: "invalid_request",
    AbortError: "upstream_cut",
    TimeoutError: "upstream_timeout",
  }),
)

/**
 * Classifies an error thrown by a model, or an error part of its stream.
 *
 * @param begun If true, a valid part of the response came before the error.
 */
export function toFailure(thrown: unknown, begun = false): ModelFailure {
  const said = complaint.parse(isObject(thrown) ? thrown : { message: String(thrown) })
  const detail = redact(
    thrown instanceof Error ? describeError(thrown) : said.message || JSON.stringify(thrown),
    [],
  )
  const code = named.get(said.name) ?? classifyResponse(said, thrown, begun)
  const own = complaint.parse(findErrorObject(said.data))
  return createModelFailure(code, {
    detail,
    providerMessage: redact(own.message || describeFailure(said, thrown), []),
    retryAfterMs: parseRetryAfter(new Headers(said.responseHeaders), Date.now()),
    retryable: retryAdvice(code, undefined) ?? said.isRetryable,
    complaint: said.message,
  })
}

/** Returns the SDK's message for a response, which quotes it. For a connection, its cause is more informative. */
function describeFailure({ statusCode, message }: Complaint, thrown: unknown): string {
  if (thrown instanceof Error && statusCode === undefined) return describeCause(thrown)
  return message || JSON.stringify(thrown)
}

function classifyResponse(said: Complaint, thrown: unknown, begun: boolean): FailureCode {
  const { statusCode: status, isRetryable } = said
  // This is the message of @ai-sdk/openai-compatible for a connection that ended within a response.
  if (said.name === "AI_InvalidResponseDataError" && /\bended without\b/.test(said.message))
    return "upstream_cut"
  if (status === undefined && thrown instanceof Error)
    return isRetryable === undefined ? classifyCallError(thrown, begun) : classifyNoResponse(said.cause)
  // The response started successfully. Either its connection broke, or it is not a valid response.
  if (status !== undefined && status < 400)
    return isRetryable ? "upstream_cut" : classifyCallError(said.cause)
  const own = complaint.parse(findErrorObject(said.data))
  const message = `${said.message} ${own.message}`
  const code = classifyComplaint({
    message,
    code: own.code ?? said.code,
    type: own.type ?? said.type,
    status,
  })
  // A provider with its own protocol was found, so the model was not found.
  return code === "upstream_invalid" && said.data !== undefined ? "model_not_found" : code
}

/** Returns the code of a failure without any response. */
function classifyNoResponse(cause: unknown): FailureCode {
  return /time(d )?out/i.test(String(cause)) ? "upstream_timeout" : "upstream_unreachable"
}

/** Returns the provider's own error object. Most providers wrap it. */
function findErrorObject(data: unknown): object {
  const words = isJsonObject(data) && isJsonObject(data.error) ? data.error : data
  return isObject(words) ? words : {}
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}

import type { ModelFailure } from "../../core/ports/model/provider.ts"

/** All codes of failed model calls, for all providers: the message for clients, and whether a retry may succeed. */
const failures = {
  authentication_failed: { message: "The provider refused the server's credentials.", retryable: false },
  invalid_request: { message: "The provider refused the request.", retryable: false },
  context_too_long: { message: "The conversation is too long for the model.", retryable: false },
  request_too_large: { message: "The request is too large for the provider.", retryable: false },
  model_not_found: { message: "The provider has no such model.", retryable: false },
  rate_limited: {
    message: "The provider limits the rate of requests. Try again later.",
    retryable: true,
  },
  quota_exceeded: { message: "The quota at the provider is used up.", retryable: false },
  content_filtered: {
    message: "The provider's content filter withheld the response.",
    retryable: false,
  },
  overloaded: { message: "The provider is overloaded. Try again later.", retryable: true },
  upstream_failed: { message: "The provider failed.", retryable: true },
  upstream_unreachable: { message: "The provider cannot be reached.", retryable: true },
  upstream_timeout: { message: "The provider did not respond in time.", retryable: true },
  upstream_cut: { message: "The model's response ended before it was complete.", retryable: true },
  upstream_invalid: { message: "The provider sent data that is not a response.", retryable: false },
} as const

export type FailureCode = keyof typeof failures

/** These remain until a person acts, whatever a provider's headers report about retries. */
const lasting: readonly FailureCode[] = ["authentication_failed", "quota_exceeded"]

/** Returns the value of the header `x-should-retry`. Undefined if it is missing or must be ignored. */
export function retryAdvice(code: FailureCode, headers: Headers | undefined): boolean | undefined {
  if (lasting.includes(code)) return false
  const said = headers?.get("x-should-retry")
  return said === "true" || (said === "false" ? false : undefined)
}

/** Refusals that may concern an image. OpenRouter responds with 404 if a model does not accept images. */
const refusals: readonly FailureCode[] = ["invalid_request", "upstream_invalid", "model_not_found"]

/**
 * Returns true if the message mentions images, because providers have dozens of codes for it. A tool may be named
 * after images.
 */
function isAboutImage(code: FailureCode, complaint = ""): boolean {
  return (
    refusals.includes(code) && /\bimages?\b|image_|_image/i.test(complaint) && !/\btools?\b/i.test(complaint)
  )
}

export function createModelFailure(
  code: FailureCode,
  more: {
    readonly detail: string
    /** The provider's own message, or the error of the connection, without secrets. Default: `detail`. */
    readonly providerMessage?: string
    readonly retryAfterMs?: number | undefined
    /** The provider's own statement, if there is one. */
    readonly retryable?: boolean | undefined
    /** The provider's code and message, if it refused the request. */
    readonly complaint?: string | undefined
  },
): ModelFailure {
  const { message, retryable } = failures[code]
  return {
    type: "error",
    code,
    message,
    detail: more.detail,
    providerMessage: more.providerMessage ?? more.detail,
    retryable: more.retryable ?? retryable,
    ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
    ...(isAboutImage(code, more.complaint) && { refusedPart: "image" }),
  }
}

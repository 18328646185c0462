import * as sdk from "openai"
import { describe, expect, test } from "vitest"
import { toFailure } from "./failure.ts"
import { ServiceError } from "./service-error.ts"

const key = "sk-secret-0123456789"

/** Returns the error that the SDK throws for a response with an error status. */
function refused(status: number, body: object | undefined, headers: Record<string, string> = {}) {
  const error = sdk.APIError.generate(status, body && { error: body }, undefined, new Headers(headers))
  return toFailure(error, { sdk, secrets: [key] }, false)
}

test.each<[number, string | null, string, "image" | undefined]>([
  [400, "invalid_image_format", "You uploaded an unsupported image.", "image"],
  [400, "image_parse_error", "The image data you provided does not represent a valid image.", "image"],
  [400, null, "Invalid 'messages[1].content[0].image_url': failed to download.", "image"],
  [404, null, "No endpoints found that support image input", "image"],
  [400, null, "Unknown field.", undefined],
  [400, null, "Invalid schema for tools[3] 'draw image'.", undefined],
  [429, null, "Too many images.", undefined],
])("a refusal with status %i, code %s and “%s” has the reason %s", (status, code, message, part) => {
  expect(refused(status, { code, message }).refusedPart).toBe(part)
})

describe("an error status", () => {
  test.each<[string, number, object | undefined, string, boolean]>([
    ["400", 400, { code: null, message: "Unknown field." }, "invalid_request", false],
    ["401", 401, { code: "invalid_api_key", message: "Incorrect API key" }, "authentication_failed", false],
    ["401 with another code", 401, { code: "server_error", message: "Oops" }, "authentication_failed", false],
    ["402 with another code", 402, { code: "server_error", message: "Oops" }, "quota_exceeded", false],
    ["402 of DeepSeek", 402, { message: "Insufficient Balance" }, "quota_exceeded", false],
    [
      "a credit that is used up",
      400,
      { message: "Your credit balance is too low." },
      "quota_exceeded",
      false,
    ],
    ["403", 403, { code: null, message: "Country not supported." }, "authentication_failed", false],
    [
      "402, for want of credits",
      402,
      { code: 402, message: "Insufficient credits" },
      "quota_exceeded",
      false,
    ],
    ["404 of a model", 404, { code: "model_not_found", message: "No." }, "model_not_found", false],
    [
      "404 of a model, in words",
      404,
      { message: 'model "qwen9" not found, try pulling it' },
      "model_not_found",
      false,
    ],
    ["400 of a model", 400, { message: "Model Not Exist" }, "model_not_found", false],
    ["404 of a wrong address", 404, undefined, "upstream_invalid", false],
    ["a redirect, which is not followed", 307, undefined, "upstream_invalid", false],
    ["413", 413, { code: "rate_limit_exceeded", message: "Request too large" }, "request_too_large", false],
    ["429", 429, { code: "rate_limit_exceeded", type: "tokens", message: "TPM" }, "rate_limited", true],
    ["429 from a proxy", 429, undefined, "rate_limited", true],
    ["429 of a used up quota", 429, { code: "insufficient_quota", message: "Pay." }, "quota_exceeded", false],
    [
      "a context that is full",
      400,
      { code: "context_length_exceeded", message: "." },
      "context_too_long",
      false,
    ],
    [
      "a context that is full, in words",
      400,
      { code: 400, message: "This model's maximum context length is 4096 tokens." },
      "context_too_long",
      false,
    ],
    [
      "a context that is full, as xAI says it",
      400,
      { message: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." },
      "context_too_long",
      false,
    ],
    ["a content filter", 400, { code: "content_filter", message: "." }, "content_filtered", false],
    [
      "a prompt that is flagged",
      400,
      { code: "invalid_prompt", message: "was flagged" },
      "content_filtered",
      false,
    ],
    [
      "a key that is wrong",
      400,
      { message: "Incorrect API key provided: xa***" },
      "authentication_failed",
      false,
    ],
    ["500", 500, { code: null, type: "server_error", message: "Sorry." }, "upstream_failed", true],
    ["502", 502, undefined, "upstream_failed", true],
    ["503", 503, { code: null, message: "Overloaded." }, "overloaded", true],
    ["504", 504, undefined, "upstream_timeout", true],
  ])("%s", (_, status, body, code, retryable) => {
    expect(refused(status, body)).toMatchObject({ code, retryable })
  })

  test("the requested delay is kept, and so is the provider's decision on retries", () => {
    expect(refused(429, undefined, { "retry-after": "2" })).toMatchObject({ retryAfterMs: 2000 })
    expect(refused(429, undefined, { "x-should-retry": "false" })).toMatchObject({ retryable: false })
    const quota = { code: "insufficient_quota", message: "Pay." }
    expect(refused(429, quota, { "x-should-retry": "true" })).toMatchObject({ retryable: false })
  })

  test("the detail contains helpful facts, and no secret; the message contains neither", () => {
    const failure = refused(400, { message: `No field for ${key}.` }, { "x-request-id": "req_1" })
    expect(failure.detail).toMatch(/400 No field for \[redacted\]\..*req_1/)
    expect(failure.message).toBe("The provider refused the request.")
  })
})

test.each<[unknown, string, boolean]>([
  [{ code: "server_is_overloaded", message: "." }, "overloaded", true],
  [{ code: "rate_limit_exceeded", message: "." }, "rate_limited", true],
  [{ code: "context_length_exceeded", message: "." }, "context_too_long", false],
  [{ code: "bio_policy", message: "." }, "content_filtered", false],
  [{ code: "server_error", message: "." }, "upstream_failed", true],
  [{ code: "invalid_image_url", message: "." }, "invalid_request", false],
  [{ type: "invalid_request_error", code: null, message: "." }, "invalid_request", false],
  [{ code: 503, message: "." }, "overloaded", true],
  [{ code: "429", message: "." }, "rate_limited", true],
  [{ code: "constructor", message: "." }, "upstream_failed", true],
  ["out of memory", "upstream_failed", true],
  [null, "upstream_failed", true],
])("an error within a stream, %j, is %s", (said, code, retryable) => {
  expect(toFailure(new ServiceError(said), { sdk, secrets: [] }, true)).toMatchObject({ code, retryable })
})

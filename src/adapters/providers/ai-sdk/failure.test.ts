import {
  APICallError,
  InvalidResponseDataError,
  LoadAPIKeyError,
  TypeValidationError,
} from "@ai-sdk/provider"
import { expect, test } from "vitest"
import { toFailure } from "./failure.ts"

const refused = (more: Partial<ConstructorParameters<typeof APICallError>[0]>) =>
  new APICallError({
    message: "No.",
    url: "https://x.test/v1",
    requestBodyValues: { key: "secret" },
    ...more,
  })
const because = (code: string) => Object.assign(new Error(`because of ${code}`), { code })

test.each<[string, unknown, string, boolean]>([
  ["a rate limit", refused({ statusCode: 429 }), "rate_limited", true],
  [
    "a used up quota",
    refused({ statusCode: 429, data: { error: { code: "insufficient_quota" } } }),
    "quota_exceeded",
    false,
  ],
  [
    "a wrong key",
    refused({ statusCode: 401, isRetryable: true, data: { error: { type: "api_error" } } }),
    "authentication_failed",
    false,
  ],
  ["a bill to pay", refused({ statusCode: 402, data: { error: {} } }), "quota_exceeded", false],
  ["a conflict", refused({ statusCode: 409 }), "invalid_request", true],
  [
    "too long a conversation",
    refused({ statusCode: 400, message: "The input exceeds the context window." }),
    "context_too_long",
    false,
  ],
  ["a wrong address", refused({ statusCode: 404 }), "upstream_invalid", false],
  ["a model that is not there", refused({ statusCode: 404, data: { error: {} } }), "model_not_found", false],
  [
    "nobody listening",
    refused({ isRetryable: true, cause: because("ECONNREFUSED") }),
    "upstream_unreachable",
    true,
  ],
  [
    "nobody answering",
    refused({ isRetryable: true, cause: new Error("Headers Timeout Error") }),
    "upstream_timeout",
    true,
  ],
  [
    "a connection that broke",
    refused({ statusCode: 200, isRetryable: true, cause: because("UND_ERR_SOCKET") }),
    "upstream_cut",
    true,
  ],
  [
    "an answer that a model package found truncated",
    new InvalidResponseDataError({ data: {}, message: "Response stream ended without a finish reason." }),
    "upstream_cut",
    true,
  ],
  ["an answer that is none", new TypeValidationError({ value: 1, cause: "?" }), "upstream_invalid", false],
  ["a missing key", new LoadAPIKeyError({ message: "no key" }), "authentication_failed", false],
  [
    "an event that says so",
    { type: "error", message: "slow", code: "rate_limit_exceeded" },
    "rate_limited",
    true,
  ],
  ["an event with a status", { statusCode: 529, isRetryable: true, message: "busy" }, "overloaded", true],
  ["an event with no known form", "something went wrong", "upstream_failed", true],
])("%s", (_, thrown, code, retryable) => {
  expect(toFailure(thrown)).toMatchObject({ type: "error", code, retryable })
})

test("the provider's retry delay is used", () => {
  const failure = toFailure(refused({ statusCode: 429, responseHeaders: { "retry-after": "2" } }))
  expect(failure.retryAfterMs).toBe(2000)
})

test("neither the address nor the request is shown", () => {
  expect(JSON.stringify(toFailure(refused({ statusCode: 500 })))).not.toMatch(/x\.test|secret/)
})

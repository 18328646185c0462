import * as anthropic from "@anthropic-ai/sdk"
import * as openai from "openai"
import { expect, test } from "vitest"
import { toFailure as aiSdkFailure } from "./ai-sdk/failure.ts"
import { toFailure as anthropicFailure } from "./anthropic/failure.ts"
import { toFailure as openAiFailure } from "./openai/failure.ts"
import { ServiceError } from "./openai/service-error.ts"
import { UnreachableError } from "./transport/post-call.ts"
import { NotAStreamError } from "./transport/stream-fault.ts"

const key = "a-key-without-a-pattern"
const said = `Field temperature: ${key} is too high`
const shown = "Field temperature: [redacted] is too high"
const unreachable = new UnreachableError(new Error("connect ECONNREFUSED 127.0.0.1:1"))
const inSuccess = new NotAStreamError("application/json", JSON.stringify({ error: { message: said } }))

const ofAnthropic = (thrown: unknown) => anthropicFailure(thrown, { sdk: anthropic, secrets: [key] }, false)
const ofOpenAi = (thrown: unknown) => openAiFailure(thrown, { sdk: openai, secrets: [key] }, false)

test.each([
  [
    "Anthropic",
    ofAnthropic(anthropic.APIError.generate(400, { error: { message: said } }, undefined, new Headers())),
  ],
  ["Anthropic with a success status", ofAnthropic(inSuccess)],
  ["OpenAI", ofOpenAi(openai.APIError.generate(400, { error: { message: said } }, undefined, new Headers()))],
  ["OpenAI in the stream", ofOpenAi(new ServiceError({ message: said }))],
  ["OpenAI with a success status", ofOpenAi(inSuccess)],
])("the message of %s is quoted without its status and its keys", (_name, failure) => {
  expect(failure.providerMessage).toBe(shown)
})

test("the message of a provider of the AI SDK is quoted", () => {
  const thrown = Object.assign(new Error("Bad Request"), {
    name: "AI_APICallError",
    statusCode: 400,
    data: { error: { message: "Field temperature is too high" } },
  })
  expect(aiSdkFailure(thrown).providerMessage).toBe("Field temperature is too high")
})

test.each([
  ["Anthropic", ofAnthropic(unreachable)],
  ["OpenAI", ofOpenAi(unreachable)],
  [
    "the AI SDK",
    aiSdkFailure(
      Object.assign(new Error("Cannot connect to API"), { isRetryable: true, cause: unreachable }),
    ),
  ],
])("the cause of a failed connection to %s is quoted", (_name, failure) => {
  expect(failure.providerMessage).toBe("connect ECONNREFUSED 127.0.0.1:1")
})

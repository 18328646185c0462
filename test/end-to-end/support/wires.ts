import { anthropicErrorReply, anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import { createChatEvents } from "../../../src/testing/provider/openai-chat-wire.ts"
import {
  createResponsesEvents,
  openAiErrorReply,
} from "../../../src/testing/provider/openai-responses-wire.ts"
import type { UpstreamReply } from "../../../src/testing/provider/scripted-upstream.ts"

/** Responses of a test in the format of a provider. */
export interface Wire {
  readonly provider: "anthropic" | "openai" | "openai-chat"
  /** Returns the environment of `agent-gateway start` for a provider at this address. */
  env(url: string): Readonly<Record<string, string>>
  /** Returns the events of a text, with these deltas. */
  text(deltas: readonly string[]): readonly string[]
  /** Returns the events of a call. Its arguments are in these pieces. */
  call(id: string, name: string, json: readonly string[]): readonly string[]
  refuse(status: number, as: Refusal, headers?: Readonly<Record<string, string>>): UpstreamReply
  /** Number of events before the first delta of a text. */
  readonly before: number
}

export type Refusal = "busy" | "failed" | "key" | "model" | "request" | "contextFull"

const openAiCodes: Readonly<Record<Refusal, string | null>> = {
  busy: "rate_limit_exceeded",
  failed: null,
  key: "invalid_api_key",
  model: "model_not_found",
  request: "invalid_value",
  contextFull: "context_length_exceeded",
}

const openAi = {
  env: (url: string) => ({ OPENAI_API_KEY: "sk-test-key", OPENAI_BASE_URL: `${url}/v1` }),
  refuse: (status: number, as: Refusal, headers?: Readonly<Record<string, string>>) =>
    openAiErrorReply(status, { code: openAiCodes[as], message: "secret-of-the-service" }, headers),
}

export const wires: readonly Wire[] = [
  {
    provider: "anthropic",
    env: (url) => ({ ANTHROPIC_API_KEY: "sk-test-key", ANTHROPIC_BASE_URL: url }),
    text: (text) => anthropicEvents([{ type: "text", text }]),
    call: (id, name, inputJson) => anthropicEvents([{ type: "toolCall", id, name, inputJson }]),
    refuse: (status, as, headers) => {
      const message =
        as === "contextFull" ? "prompt is too long: 9 tokens > 8 maximum" : "secret-of-the-service"
      return anthropicErrorReply(status, anthropicTypes[as], message, headers)
    },
    before: 2,
  },
  {
    provider: "openai",
    ...openAi,
    text: (text) => createResponsesEvents([{ type: "text", text }]),
    call: (id, name, json) => createResponsesEvents([{ type: "toolCall", id, name, json }]),
    before: 2,
  },
  {
    provider: "openai-chat",
    ...openAi,
    text: (text) => createChatEvents([{ type: "text", text }]),
    call: (id, name, json) => createChatEvents([{ type: "toolCall", id, name, json }]),
    before: 1,
  },
]

const anthropicTypes: Readonly<Record<Refusal, string>> = {
  busy: "rate_limit_error",
  failed: "api_error",
  key: "authentication_error",
  model: "not_found_error",
  request: "invalid_request_error",
  contextFull: "invalid_request_error",
}

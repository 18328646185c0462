import { afterEach, describe, test } from "vitest"
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts"
import { anthropicErrorEvent, anthropicErrorReply, anthropicEvents } from "../../testing/anthropic-wire.ts"
import { providerContract } from "../../testing/provider-contract.ts"
import type {
  ContractAnswer,
  ContractRefusal,
  ContractRequest,
  ProviderHarness,
} from "../../testing/provider-harness.ts"
import { startScriptedUpstream, type UpstreamReply } from "../../testing/scripted-upstream.ts"
import { anthropicProvider } from "./anthropic-provider.ts"

const apiKey = "sk-ant-contract-0123456789"
let harness: ProviderHarness | undefined

afterEach(async () => {
  await harness?.close()
})

describe("the provider contract, kept by Anthropic", () => {
  test.each(providerContract)("$name", async ({ run }) => {
    harness = await anthropicHarness()
    await run(harness)
  })
})

async function anthropicHarness(): Promise<ProviderHarness> {
  const replies: UpstreamReply[] = []
  const upstream = await startScriptedUpstream(replies)
  return {
    provider: anthropicProvider({ apiKey, baseURL: upstream.url }),
    secrets: [apiKey],
    answer: (answer) => replies.push(toReply(answer)),
    received: () => toContractRequest(upstream.requests.at(-1)?.body),
    disconnected: async () => (await upstream.requests.at(-1)?.outcome) === "disconnected",
    close: upstream.close,
  }
}

function toReply(answer: ContractAnswer): UpstreamReply {
  switch (answer.type) {
    case "refused":
      return refusals[answer.as]
    case "webPage":
      return { headers: { "content-type": "text/html" }, steps: ["<!doctype html>\n\n<p>Welcome</p>\n\n"] }
    case "answer": {
      const parts = answer.parts.map((part) => {
        if (part.type === "toolCall") return { ...part, inputJson: part.json }
        return { ...part, text: part.chunks }
      })
      const events = anthropicEvents(parts)
      // The last block's end, the message's delta and its stop are what an answer that breaks off lacks.
      const begun = events.slice(0, parts.length === 0 ? 1 : -3)
      switch (answer.ending ?? "complete") {
        case "complete":
          return { steps: events }
        case "cut":
          return { steps: [...begun, { type: "cut" }] }
        case "open":
          return { steps: [...begun, { type: "wait", until: new Promise(() => {}) }] }
        case "error":
          return { steps: [...begun, anthropicErrorEvent("overloaded_error", `Overloaded, ${apiKey}`)] }
      }
    }
  }
}

const refusals: Record<ContractRefusal, UpstreamReply> = {
  rateLimited: anthropicErrorReply(429, "rate_limit_error", "Slow down.", { "retry-after": "2" }),
  overloaded: anthropicErrorReply(529, "overloaded_error", "Overloaded"),
  badKey: anthropicErrorReply(401, "authentication_error", `invalid key ${apiKey}`),
  unknownModel: anthropicErrorReply(404, "not_found_error", "model: claude-nothing"),
  tooLong: anthropicErrorReply(
    400,
    "invalid_request_error",
    "prompt is too long: 213462 tokens > 200000 maximum",
  ),
  broken: { status: 502, headers: { "content-type": "text/html" }, steps: ["<h1>Bad gateway</h1>"] },
}

function toContractRequest(body: unknown): ContractRequest {
  const request = isJsonObject(body) ? body : {}
  const blocks = objects(request.messages).flatMap((message) => objects(message.content))
  const ofType = (type: string) => blocks.filter((block) => block.type === type)
  return {
    toolNames: objects(request.tools).map((tool) => String(tool.name)),
    thinking: ofType("thinking").map(({ thinking, signature }) => ({
      text: String(thinking),
      signature: String(signature),
    })),
    toolCalls: ofType("tool_use").map(({ id, name, input }) => ({
      id: String(id),
      name: String(name),
      input,
    })),
    toolResults: ofType("tool_result").map(({ tool_use_id, content, is_error }) => ({
      id: String(tool_use_id),
      text:
        typeof content === "string"
          ? content
          : objects(content)
              .map((block) => block.text)
              .join(""),
      error: is_error === true,
    })),
  }
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

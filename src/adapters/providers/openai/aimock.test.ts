import { LLMock } from "@copilotkit/aimock"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Message } from "../../../core/history/messages.ts"
import type { ModelEnd, Provider } from "../../../core/ports/model/provider.ts"
import { collectEvents, createResults, endOf, toAssistantMessage } from "./fixtures/call.ts"
import { openAiChatProvider } from "./openai-chat-provider.ts"
import { openAiProvider } from "./openai-provider.ts"

const mock = new LLMock({ port: 0, strict: true, logLevel: "silent" })

beforeAll(async () => {
  mock.addFixture({
    match: { userMessage: "weather", hasToolResult: false },
    response: {
      content: "Let me look.",
      reasoning: "They want the weather, there is a tool.",
      toolCalls: [{ name: "weather", arguments: '{"city":"Paris"}', id: "call_weather" }],
    },
  })
  mock.addFixture({
    match: { userMessage: "weather", hasToolResult: true, toolResultContains: "21" },
    response: { content: "It is 21 degrees in Paris." },
  })
  await mock.start()
})

afterAll(async () => {
  await mock.stop()
})

const connection = () => ({ apiKey: "sk-test-0123456789", baseURL: `${mock.url}/v1` })
const providers: readonly (readonly [string, () => Provider])[] = [
  ["Responses", () => openAiProvider({ ...connection(), reasoning: { summary: "auto" } })],
  ["Chat Completions", () => openAiChatProvider({ ...connection(), sendReasoning: "reasoning_content" })],
]

test.each(providers)(
  "%s: a call, its result and the answer, against a mock of the service",
  async (_, make) => {
    const question: Message = { role: "user", content: [{ type: "text", text: "What is the weather?" }] }
    const first = await answer(make(), [question])
    expect(first.stopReason).toBe("toolCalls")
    expect(first.content).toMatchObject([
      { type: "thinking", text: "They want the weather, there is a tool." },
      { type: "text", text: "Let me look." },
      { type: "toolCall", name: "weather", input: { city: "Paris" } },
    ])
    const asked = toAssistantMessage(first)
    const second = await answer(make(), [question, asked, createResults(asked, { degrees: 21 })])
    expect(second.content.at(-1)).toMatchObject({ type: "text", text: "It is 21 degrees in Paris." })
    expect(second.stopReason).toBe("end")
  },
)

async function answer(provider: Provider, messages: readonly Message[]): Promise<ModelEnd> {
  const weather = { name: "weather", description: "Tells the weather.", inputSchema: { type: "object" } }
  const system = [{ text: "You know the weather." }]
  return endOf(await collectEvents(provider, { model: "gpt-6-sol", system, messages, tools: [weather] }))
}

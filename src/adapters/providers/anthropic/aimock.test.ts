import { LLMock } from "@copilotkit/aimock"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Message } from "../../../core/history/messages.ts"
import type { ModelEnd, ModelRequest } from "../../../core/ports/model/provider.ts"
import { anthropicProvider } from "./anthropic-provider.ts"

const mock = new LLMock({ port: 0, strict: true, logLevel: "silent" })

beforeAll(async () => {
  mock.addFixture({
    match: { userMessage: "weather", hasToolResult: false },
    response: {
      content: "Let me look.",
      reasoning: "They want the weather, there is a tool.",
      toolCalls: [{ name: "weather", arguments: '{"city":"Paris"}', id: "toolu_weather" }],
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

test("a call with thinking, its result and the response, against a mock of the API that checks signatures", async () => {
  const question: Message = { role: "user", content: [{ type: "text", text: "What is the weather?" }] }
  const first = await answer([question])
  expect(first.stopReason).toBe("toolCalls")
  expect(first.content.map((part) => part.type)).toEqual(["thinking", "text", "toolCall"])

  const content = first.content.map((part) =>
    part.type === "toolCall" ? { ...part, toolCallId: "call_1" } : part,
  )
  const result = { type: "json", value: { degrees: 21 } } as const
  const second = await answer([
    question,
    { role: "assistant", content },
    { role: "tool", results: [{ toolCallId: "call_1", result }] },
  ])
  expect(second.content).toEqual([{ type: "text", text: "It is 21 degrees in Paris." }])
  expect(second.stopReason).toBe("end")
})

async function answer(messages: readonly Message[]): Promise<ModelEnd> {
  const provider = anthropicProvider({
    apiKey: "sk-ant-test-0123456789",
    baseURL: mock.url,
    thinking: { type: "enabled", budget_tokens: 1024 },
  })
  const weather = { name: "weather", description: "Tells the weather.", inputSchema: { type: "object" } }
  const request: ModelRequest = {
    model: provider.defaultModel,
    system: [{ text: "You know the weather." }],
    messages,
    tools: [weather],
    maxTokens: 2000,
  }
  for await (const event of provider.stream(request, { signal: new AbortController().signal })) {
    if (event.type === "end") return event
    if (event.type === "error") throw new Error(`${event.code}: ${event.detail}`)
  }
  throw new Error("The stream had no last event.")
}

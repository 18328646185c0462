import { LLMock } from "@copilotkit/aimock"
import { beforeAll, expect, test } from "vitest"
import { assemble, types } from "./support/assemble.ts"
import { startGateway } from "./support/gateway-process.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const onEnd = atEndOfFile()
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
  onEnd(async () => {
    await mock.stop()
  })
})

test("a conversation with thinking and tools, against a mock of the provider that checks signatures", async () => {
  const folder = await temporaryFolder()
  const { url } = await startGateway({ agent: "thinking-agent.ts", folder, model: mock })
  const session = await startSession(url)
  const frames = await (await session.chat("What is the weather in Paris?")).rest()
  expect(assemble(frames)).toEqual({
    thinking: "They want the weather, there is a tool.",
    text: "Let me look.It is 21 degrees in Paris.",
    terminal: {
      type: "stream_complete",
      usage: expect.objectContaining({ output_tokens: expect.any(Number) }),
      terminal_disposition: "completed",
    },
  })
  const kinds = types(frames).filter((type, index, all) => type !== all[index - 1])
  expect(kinds).toEqual([
    ...["thinking_delta", "text_delta", "tool_call_start", "tool_call_complete", "turn_complete"],
    ...["text_delta", "turn_complete", "stream_complete"],
  ])
  const { messages } = await session.history()
  expect(messages.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
    ["user", "text"],
    ["assistant", "thinking", "text", "tool_call"],
    ["tool", "tool_result"],
    ["assistant", "text"],
  ])
})

import { generateText, jsonSchema, type ModelMessage, stepCountIs, streamText, tool as toTool } from "ai"
import { expect, it, onTestFinished, vi } from "vitest"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, createPay, reply } from "../support/scripted-turns.ts"
import { key, startGateway } from "./support/gateway.ts"

/** The AI SDK's own provider of the Responses API. It stores responses, and names their items in later requests. */
async function openModel(url: string) {
  // The tests run with an empty address, which the library refuses when it is imported.
  vi.stubEnv("OPENAI_BASE_URL", undefined)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { createOpenAI } = await import("@ai-sdk/openai")
  return createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).responses("agent")
}

const look = tool({
  name: "look",
  description: "Looks.",
  inputSchema: { type: "object" },
  execute: () => ({ seen: "a door" }),
})

it("goes on with a conversation, whose items it names", async () => {
  const provider = scriptedProvider([
    [{ type: "thinking", text: "Hm." }, ...reply("Let me see."), call("look", { at: 1 })],
    reply("A door."),
    reply("It is red."),
    reply("It is open."),
  ])
  const { url } = await startGateway({ provider, tools: [look] })
  const model = await openModel(url)
  const messages: ModelMessage[] = []
  for (const content of ["Look", "Which color?", "Is it shut?"]) {
    messages.push({ role: "user", content })
    const { textStream, responseMessages } = streamText({ model, messages })
    for await (const text of textStream) expect(text).not.toBe("")
    messages.push(...(await responseMessages))
  }
  expect(provider.requests.at(-1)?.messages).toMatchObject([
    { role: "user", content: [{ text: "Look" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "Let me see." },
        { type: "toolCall", name: "look", input: { at: 1 } },
      ],
    },
    { role: "tool", results: [{ result: { type: "json", value: { seen: "a door" } } }] },
    { role: "assistant", content: [{ text: "A door." }] },
    { role: "user", content: [{ text: "Which color?" }] },
    { role: "assistant", content: [{ text: "It is red." }] },
    { role: "user", content: [{ text: "Is it shut?" }] },
  ])
})

it("executes functions of the client between the turns", async () => {
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "user"
      ? [{ type: "thinking", text: "Hm." }, ...reply("One moment."), call("locate", { exact: true })]
      : reply("In Rome."),
  )
  const { url } = await startGateway({ provider })
  const model = await openModel(url)
  const locate = toTool({
    description: "Finds the user's place.",
    inputSchema: jsonSchema({ type: "object", properties: { exact: { type: "boolean" } } }),
    execute: () => ({ city: "Rome" }),
  })
  const { text } = await generateText({
    ...{ model, prompt: "Where am I?", tools: { locate } },
    stopWhen: stepCountIs(2),
  })
  expect(text).toBe("In Rome.")
  expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"])
})

it("asks a person, and goes on with the answer", async () => {
  const { pay, paid } = createPay()
  const provider = scriptedProvider([[call("pay", { sum: 5 })], reply("Paid."), reply("Yes.")])
  const { url } = await startGateway({ provider, tools: [pay] })
  const model = await openModel(url)
  const messages: ModelMessage[] = [{ role: "user", content: "Pay" }]
  const asked = await generateText({ model, messages })
  const requests = asked.content.filter((part) => part.type === "tool-approval-request")
  expect(requests).toHaveLength(1)
  messages.push(...asked.response.messages, {
    role: "tool",
    content: requests.map(({ approvalId }) => {
      return { type: "tool-approval-response", approvalId, approved: true, providerExecuted: true }
    }),
  })
  const answered = await generateText({ model, messages })
  expect([answered.text, paid]).toEqual(["Paid.", [{ sum: 5 }]])
  messages.push(...answered.response.messages, { role: "user", content: "Really?" })
  expect((await generateText({ model, messages })).text).toBe("Yes.")
  expect(provider.requests.at(-1)?.messages).toMatchObject([
    { role: "user" },
    { role: "assistant", content: [{ type: "toolCall", name: "pay", input: { sum: 5 } }] },
    { role: "tool", results: [{ result: { value: { paid: true } } }] },
    { role: "assistant", content: [{ text: "Paid." }] },
    { role: "user" },
  ])
})

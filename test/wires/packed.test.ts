import { HttpAgent } from "@ag-ui/client"
import { Agent, OpenAIProvider, Runner } from "@openai/agents"
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client"
import { HttpAgent as FormerHttpAgent } from "ag-ui-client-0.0.59"
import OpenAI from "openai"
import { expect, it } from "vitest"
import type { HistoryResponse } from "../../src/wires/native/schemas/history.ts"
import { longText } from "../client/suite/model.mjs"
import { installPacked, startSuite } from "../client/support.ts"
import { createChat, textOf } from "./ai-sdk/support/headless-chat.ts"

const apiKey = "suite-key"
const headers = { "x-user-id": "ada" }
const erase = 'call|erase|{"folder":"a"}'

/** Starts a gateway of the packed command, which the test can kill. It starts again at the same address. */
async function start() {
  const { url } = await startSuite({}, await installPacked())
  const kill = () => fetch(`${url}/control/kill`, { method: "POST" })
  /** Resolves to the number of messages that the user has sent in a conversation. */
  const countMessages = async (conversation: string) => {
    const init = await fetch(`${url}/api/chat/init`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: apiKey, user_id: "ada", external_id: conversation }),
    })
    const { session_token: token } = (await init.json()) as { readonly session_token: string }
    const authorization = { authorization: `Bearer ${token}` }
    const response = await fetch(`${url}/api/chat/history`, { headers: authorization })
    const { messages } = (await response.json()) as HistoryResponse
    return messages.filter(({ role }) => role === "user").length
  }
  return { url, kill, countMessages }
}

it("keeps what the OpenAI library asked and was told, although the packed gateway is killed", async () => {
  const { url, kill, countMessages } = await start()
  const client = new OpenAI({
    ...{ baseURL: `${url}/api/v1`, apiKey, defaultHeaders: headers },
    // The gateway may need longer to start than the library's two retries take.
    maxRetries: 30,
  })
  const model = "agent"

  const asked = await client.responses.create({ model, input: erase })
  await kill()
  const input = asked.output.flatMap((item) =>
    item.type === "mcp_approval_request"
      ? [{ type: "mcp_approval_response" as const, approval_request_id: item.id, approve: true }]
      : [],
  )
  const answered = await client.responses.create({ model, previous_response_id: asked.id, input })
  expect(answered.output_text).toContain("a is empty")

  const events: OpenAI.Responses.ResponseStreamEvent[] = []
  const broken = (async () => {
    const stream = await client.responses.create({ model, input: "long", conversation: "a", stream: true })
    for await (const event of stream) {
      events.push(event)
      if (event.type === "response.output_text.delta" && event.delta.includes("wörd10 ")) await kill()
    }
  })()
  await expect(broken).rejects.toThrow()
  const [created] = events
  const id = created?.type === "response.created" ? created.response.id : ""
  const after = events.at(-1)?.sequence_number ?? 0
  const rest = await client.responses.retrieve(id, { stream: true, starting_after: after })
  for await (const event of rest) events.push(event)
  const numbers = events.map(({ sequence_number }) => sequence_number)
  expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other))
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { output_text: longText } })
  expect(await countMessages("a")).toBe(1)

  const cut = client.responses.create({ model, input: "long", conversation: "b" })
  await expect.poll(() => countMessages("b")).toBe(1)
  await kill()
  expect(await cut).toMatchObject({ status: "completed", output_text: longText })
  expect(await countMessages("b")).toBe(1)
})

it("keeps what an AG-UI client asked and was told, although the packed gateway is killed", async () => {
  const { url, kill, countMessages } = await start()
  const options = {
    ...{ url: `${url}/api/ag-ui`, threadId: "a" },
    headers: { authorization: `Bearer ${apiKey}`, ...headers },
  }
  const agent = new HttpAgent(options)
  agent.addMessage({ id: "1", role: "user", content: erase })
  await agent.runAgent()
  const [interrupt] = agent.pendingInterrupts
  await kill()
  const payload = { approved: true }
  await agent.runAgent({ resume: [{ interruptId: interrupt?.id ?? "", status: "resolved", payload }] })
  expect(agent.messages.at(-1)?.content).toContain("a is empty")
  expect(agent.pendingInterrupts).toEqual([])

  const first = new HttpAgent({ ...options, threadId: "b" })
  const isStreaming = new Promise<void>((resolve) => {
    first.subscribe({
      onTextMessageContentEvent: ({ textMessageBuffer }) => {
        if (textMessageBuffer.includes("wörd10 ")) resolve()
      },
    })
  })
  first.addMessage({ id: "1", role: "user", content: "long" })
  const runId = crypto.randomUUID()
  const said = first.runAgent({ runId })
  await isStreaming
  first.abortRun()
  await said
  await kill()
  const second = new HttpAgent({ ...options, threadId: "b", initialMessages: first.messages })
  second.subscribe({
    onCustomEvent: ({ event: { name, value }, messages }) =>
      name === "gateway.message_discarded"
        ? { messages: messages.filter(({ id }) => !id.startsWith(value.messageId)) }
        : undefined,
  })
  await second.runAgent({ runId })
  expect(second.messages.map(({ role, content }) => [role, content])).toEqual([
    ["user", "long"],
    ["assistant", longText],
  ])
  expect(await countMessages("b")).toBe(1)
})

it("serves @openai/agents, AG-UI 0.0.59, TanStack AI and AbstractChat from the packed files", async () => {
  const { url } = await start()
  const authorized = { authorization: `Bearer ${apiKey}`, ...headers }

  const client = new OpenAI({ baseURL: `${url}/api/v1`, apiKey, defaultHeaders: headers })
  const modelProvider = new OpenAIProvider({ openAIClient: client as never, useResponses: true })
  const runner = new Runner({ modelProvider, tracingDisabled: true })
  const { finalOutput } = await runner.run(new Agent({ name: "traveler", model: "agent" }), "long")
  expect(finalOutput).toBe(longText)

  const agent = new FormerHttpAgent({ url: `${url}/api/ag-ui`, threadId: "a", headers: authorized })
  agent.addMessage({ id: "1", role: "user", content: "long" })
  await agent.runAgent()
  expect(agent.messages.at(-1)).toMatchObject({ role: "assistant", content: longText })

  const chat = new ChatClient({
    threadId: "b",
    connection: fetchServerSentEvents(`${url}/api/ag-ui?threadId=b`, { headers: authorized }),
  })
  await chat.sendMessage("long")
  const answer = chat.getMessages().at(-1)
  expect(answer?.parts).toContainEqual(expect.objectContaining({ type: "text", content: longText }))

  const { chat: headless, invalid } = createChat({ url: `${url}/api`, key: apiKey })
  await headless.sendMessage({ text: "long" })
  expect(textOf(headless.lastMessage)).toBe(longText)
  expect(invalid).toEqual([])
})

import {
  lastAssistantMessageIsCompleteWithApprovalResponses as isDecided,
  lastAssistantMessageIsCompleteWithToolCalls as isExecuted,
} from "ai"
import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, createPay, reply } from "../support/scripted-turns.ts"
import { key, startGateway } from "./support/gateway.ts"
import { callsOf, createChat, textOf } from "./support/headless-chat.ts"

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

describe("a chat of AI SDK UI", () => {
  it("streams the text of an answer into a message, with usage in its metadata", async () => {
    const { url } = await startGateway({ provider: scriptedProvider([reply("Hello")]) })
    const { chat, invalid, responses } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    expect(chat.error).toBeUndefined()
    expect(textOf(chat.lastMessage)).toBe("Hello")
    expect(chat.lastMessage?.metadata).toMatchObject({ usage: { outputTokens: expect.any(Number) } })
    expect(responses.map((chunks) => chunks.map(({ type }) => type))).toEqual([
      ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish", "[DONE]"],
    ])
    expect(invalid).toEqual([])
  })

  it("continues one conversation, of which the model receives the gateway's own history", async () => {
    const provider = scriptedProvider([reply("One"), reply("Two")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key, id: "my-chat" })
    await chat.sendMessage({ text: "1" })
    await chat.sendMessage({ text: "2" })
    expect(chat.messages.map(textOf)).toEqual(["1", "One", "2", "Two"])
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
    const other = createChat({ url, key: "another-key", id: "my-chat" })
    await other.chat.resumeStream()
    expect(other.chat.messages).toEqual([])
  })

  it("shows reasoning and the input of a call while the model writes them", async () => {
    const look = tool({
      name: "look",
      description: "Looks.",
      inputSchema: { type: "object" },
      execute: (_input, context) => {
        context.emit({ type: "data", name: "weather", value: { degrees: 21 } })
        context.emit({ type: "data", name: "source-url", value: { url: "https://a.example", title: "A" } })
        context.emit("looking")
        return "found"
      },
    })
    const provider = scriptedProvider([
      [{ type: "thinking", text: "Hm. " }, { type: "thinking", text: "So." }, call("look", { at: "sky" })],
      reply("It is there."),
    ])
    const { url } = await startGateway({ provider, tools: [look] })
    const { chat, invalid, responses } = createChat({ url, key })
    await chat.sendMessage({ text: "Where?" })
    expect(chat.error).toBeUndefined()
    expect(chat.lastMessage?.parts.map(({ type }) => type)).toEqual([
      ...["step-start", "reasoning", "dynamic-tool", "data-weather", "source-url"],
      ...["step-start", "text"],
    ])
    expect(chat.lastMessage?.parts[1]).toMatchObject({ text: "Hm. So.", state: "done" })
    expect(callsOf(chat.lastMessage)).toMatchObject([
      {
        toolName: "look",
        state: "output-available",
        input: { at: "sky" },
        output: "found",
        providerExecuted: true,
      },
    ])
    expect(responses[0]).toContainEqual({
      type: "data-gateway-tool-output",
      data: expect.objectContaining({ text: "looking", stream: "stdout" }),
      transient: true,
    })
    expect(invalid).toEqual([])
  })

  it("sends images to the model, and refuses other files", async () => {
    const provider = scriptedProvider([reply("A dot.")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key })
    const image = { type: "file", mediaType: "image/png", url: `data:image/png;base64,${png}` } as const
    await chat.sendMessage({ text: "What is it?", files: [image] })
    expect(provider.requests[0]?.messages[0]).toEqual({
      role: "user",
      content: [
        { type: "image", source: { type: "base64", mediaType: "image/png", data: png } },
        { type: "text", text: "What is it?" },
      ],
    })
    await chat.sendMessage({ files: [{ type: "file", mediaType: "text/csv", url: "data:text/csv,a" }] })
    expect(chat.error?.message).toBe("parts.0: Only images can be sent. Send other content as text.")
  })

  it("shows a failed run as an error of one sentence", async () => {
    const provider = scriptedProvider([
      [{ type: "failure", code: "overloaded", message: "The model is busy." }],
    ])
    const { url } = await startGateway({ provider })
    const { chat, invalid } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    expect(chat.error?.message).toBe("The model is busy.")
    expect(chat.lastMessage?.metadata).toMatchObject({ runId: expect.stringMatching(/^run_/) })
    expect(invalid).toEqual([])
  })

  it("discards the text of a response that is retried", async () => {
    const provider = scriptedProvider([
      [...reply("Half an"), { type: "failure", code: "overloaded", retryable: true }],
      reply("A whole answer."),
    ])
    const { url } = await startGateway({ provider })
    const { chat, invalid, responses } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    expect(textOf(chat.lastMessage)).toBe("A whole answer.")
    expect(responses[0]?.map(({ type }) => type).filter((type) => type.endsWith("-step"))).toEqual([
      ...["start-step", "reset-step", "finish-step"],
    ])
    expect(invalid).toEqual([])
  })
})

describe("an approval in a chat of AI SDK UI", () => {
  it("ends the response, and the next one continues the message", async () => {
    const { pay, paid } = createPay()
    const provider = scriptedProvider([[...reply("I ask. "), call("pay", { to: "Ann" })], reply("Paid.")])
    const { url } = await startGateway({ provider, tools: [pay] })
    const { chat, invalid, responses } = createChat({ url, key, sendAutomaticallyWhen: isDecided })
    await chat.sendMessage({ text: "Pay Ann" })
    const [asked] = callsOf(chat.lastMessage)
    expect(asked).toMatchObject({ state: "approval-requested", input: { to: "Ann" } })
    expect(responses[0]?.at(-2)).toMatchObject({ type: "finish", finishReason: "tool-calls" })
    expect(paid).toEqual([])
    await chat.addToolApprovalResponse({ id: asked?.approval?.id ?? "", approved: true })
    await expect.poll(() => chat.status === "ready" && textOf(chat.lastMessage)).toBe("I ask. Paid.")
    expect(callsOf(chat.lastMessage)).toMatchObject([{ state: "output-available", output: { paid: true } }])
    expect(chat.messages).toHaveLength(2)
    expect(paid).toEqual([{ to: "Ann" }])
    expect(responses).toHaveLength(2)
    expect(invalid).toEqual([])
  })

  it("that is denied is shown as such, and the model receives the reason", async () => {
    const { pay, paid } = createPay()
    const provider = scriptedProvider([[call("pay")], reply("As you wish.")])
    const { url } = await startGateway({ provider, tools: [pay] })
    const { chat, invalid } = createChat({ url, key, sendAutomaticallyWhen: isDecided })
    await chat.sendMessage({ text: "Pay" })
    const [asked] = callsOf(chat.lastMessage)
    await chat.addToolApprovalResponse({
      id: asked?.approval?.id ?? "",
      approved: false,
      reason: "Too dear.",
    })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("As you wish.")
    expect(callsOf(chat.lastMessage)).toMatchObject([
      { state: "output-denied", approval: { approved: false } },
    ])
    expect(JSON.stringify(provider.requests[1]?.messages.at(-1))).toContain("Too dear.")
    expect(paid).toEqual([])
    expect(invalid).toEqual([])
  })

  it("of several calls is answered together", async () => {
    const { pay, paid } = createPay()
    const provider = scriptedProvider([[call("pay", { n: 1 }), call("pay", { n: 2 })], reply("Both.")])
    const { url } = await startGateway({ provider, tools: [pay] })
    const { chat, responses, invalid } = createChat({ url, key, sendAutomaticallyWhen: isDecided })
    await chat.sendMessage({ text: "Pay twice" })
    for (const asked of callsOf(chat.lastMessage))
      await chat.addToolApprovalResponse({ id: asked.approval?.id ?? "", approved: true })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("Both.")
    expect(paid).toHaveLength(2)
    expect(responses).toHaveLength(2)
    expect(invalid).toEqual([])
  })

  it("can be answered by a page that was loaded again", async () => {
    const { pay, paid } = createPay()
    const provider = scriptedProvider([[call("pay")], reply("Paid.")])
    const { url } = await startGateway({ provider, tools: [pay] })
    const first = createChat({ url, key, id: "chat-1" })
    await first.chat.sendMessage({ text: "Pay" })
    const { chat, invalid } = createChat({ url, key, id: "chat-1", sendAutomaticallyWhen: isDecided })
    await chat.resumeStream()
    const [asked] = callsOf(chat.lastMessage)
    expect(asked?.state).toBe("approval-requested")
    await chat.addToolApprovalResponse({ id: asked?.approval?.id ?? "", approved: true })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("Paid.")
    expect(chat.messages).toHaveLength(1)
    expect(paid).toHaveLength(1)
    expect(invalid).toEqual([])
  })

  it("with a forged id, and of another user, answers nothing", async () => {
    const { pay, paid } = createPay()
    const { url } = await startGateway({ provider: scriptedProvider([[call("pay")]]), tools: [pay] })
    const { chat } = createChat({ url, key, id: "chat-1" })
    await chat.sendMessage({ text: "Pay" })
    const message = structuredClone(chat.lastMessage)
    const [asked] = callsOf(message)
    if (message === undefined || asked?.approval === undefined) throw new Error("No one was asked.")
    const post = (user: string, id: string) =>
      fetch(`${url}/ai-sdk/chat`, {
        method: "POST",
        headers: { authorization: `Bearer ${user}`, "content-type": "application/json" },
        body: JSON.stringify({
          id: "chat-1",
          messages: [
            {
              ...message,
              parts: [{ ...asked, state: "approval-responded", approval: { id, approved: true } }],
            },
          ],
        }),
      })
    const again = await (await post(key, "wait_forged")).text()
    // The question is still open, so it is asked again.
    expect(again).toContain('"finishReason":"tool-calls"')
    expect((await post("another-key", asked.approval.id)).status).toBe(404)
    expect(paid).toEqual([])
  })
})

describe("a tool that the page executes", () => {
  const locate = tool({
    name: "locate",
    description: "Locates the user.",
    inputSchema: { type: "object" },
    executionLocation: "client",
  })

  it("is called once, and its output reaches the model", async () => {
    const provider = scriptedProvider([[call("locate", { exact: true })], reply("You are in Rome.")])
    const { url } = await startGateway({ provider, tools: [locate] })
    const called: unknown[] = []
    const { chat, invalid, responses } = createChat({
      ...{ url, key, sendAutomaticallyWhen: isExecuted },
      onToolCall: ({ toolCall }) => {
        called.push(toolCall.input)
        void chat.addToolOutput({ tool: "locate", toolCallId: toolCall.toolCallId, output: { city: "Rome" } })
      },
    })
    await chat.sendMessage({ text: "Where am I?" })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("You are in Rome.")
    expect(called).toEqual([{ exact: true }])
    expect(JSON.stringify(provider.requests[1]?.messages.at(-1))).toContain("Rome")
    expect(callsOf(chat.lastMessage)).toMatchObject([{ state: "output-available", output: { city: "Rome" } }])
    expect(responses).toHaveLength(2)
    expect(invalid).toEqual([])
  })

  it("is not called again when the page is loaded again", async () => {
    const { pay } = createPay()
    const provider = scriptedProvider([[call("locate")], [call("pay")]])
    const { url } = await startGateway({ provider, tools: [locate, pay] })
    const first = createChat({
      ...{ url, key, id: "chat-1", sendAutomaticallyWhen: isExecuted },
      onToolCall: ({ toolCall: { toolCallId } }) =>
        void first.chat.addToolOutput({ tool: "locate", toolCallId, output: "Rome" }),
    })
    await first.chat.sendMessage({ text: "Pay where I am." })
    await expect.poll(() => callsOf(first.chat.lastMessage).at(-1)?.state).toBe("approval-requested")
    const called: unknown[] = []
    const { chat, invalid } = createChat({
      ...{ url, key, id: "chat-1" },
      onToolCall: (each) => void called.push(each),
    })
    await chat.resumeStream()
    expect(callsOf(chat.lastMessage).map(({ state }) => state)).toEqual([
      "output-available",
      "approval-requested",
    ])
    expect(called).toEqual([])
    expect(invalid).toEqual([])
  })

  it("can fail", async () => {
    const provider = scriptedProvider([[call("locate")], reply("Never mind.")])
    const { url } = await startGateway({ provider, tools: [locate] })
    const { chat } = createChat({
      ...{ url, key, sendAutomaticallyWhen: isExecuted },
      onToolCall: ({ toolCall: { toolCallId } }) =>
        void chat.addToolOutput({
          tool: "locate",
          toolCallId,
          state: "output-error",
          errorText: "No satellite.",
        }),
    })
    await chat.sendMessage({ text: "Where am I?" })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("Never mind.")
    expect(JSON.stringify(provider.requests[1]?.messages.at(-1))).toContain("No satellite.")
    expect(callsOf(chat.lastMessage)).toMatchObject([{ state: "output-error", errorText: "No satellite." }])
  })
})

describe("a response that was cut", () => {
  it("is read again from its start, once and whole", async () => {
    const gate = Promise.withResolvers<void>()
    const provider = scriptedProvider([
      [...reply("One "), { type: "wait", until: gate.promise }, ...reply("two.")],
    ])
    const { url } = await startGateway({ provider })
    const { chat, invalid } = createChat({ url, key, id: "chat-1" })
    const sending = chat.sendMessage({ text: "Count" })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("One ")
    await chat.stop()
    await sending
    const resuming = chat.resumeStream()
    await expect.poll(() => chat.status).toBe("streaming")
    gate.resolve()
    await resuming
    expect(chat.messages.map(textOf)).toEqual(["Count", "One two."])
    expect(provider.requests).toHaveLength(1)
    expect(invalid).toEqual([])
  })

  it("is whole also if its run has ended meanwhile", async () => {
    const { url } = await startGateway({ provider: scriptedProvider([reply("Done.")]) })
    const { chat } = createChat({ url, key, id: "chat-1" })
    await chat.sendMessage({ text: "Go" })
    const later = createChat({ url, key, id: "chat-1", messages: chat.messages.slice(0, 1) })
    await later.chat.resumeStream()
    expect(later.chat.messages).toEqual(chat.messages)
    expect(later.chat.status).toBe("ready")
  })

  it("does not exist in a conversation without a message", async () => {
    const { url } = await startGateway({ provider: scriptedProvider([]) })
    const response = await fetch(`${url}/ai-sdk/chat/new/stream`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect(response.status).toBe(204)
  })
})

describe("stopping", () => {
  it("cancels the run, whose message ends as interrupted", async () => {
    const provider = scriptedProvider([[...reply("One "), { type: "wait", until: new Promise(() => {}) }]])
    const { url } = await startGateway({ provider })
    const { chat, responses, invalid } = createChat({
      url,
      key,
      id: "chat/1",
      sendAutomaticallyWhen: () => true,
    })
    const sending = chat.sendMessage({ text: "Count" })
    await expect.poll(() => textOf(chat.lastMessage)).toBe("One ")
    const stop = () =>
      fetch(`${url}/ai-sdk/chat/${encodeURIComponent("chat/1")}/stop`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
      })
    expect((await stop()).status).toBe(204)
    await sending
    expect(textOf(chat.lastMessage)).toBe("One ")
    expect(responses).toHaveLength(1)
    expect(responses[0]?.at(-2)).toMatchObject({ type: "finish", finishReason: "interrupted" })
    expect((await stop()).status).toBe(204)
    expect(invalid).toEqual([])
  })
})

describe("what the protocol cannot do here", () => {
  it.each([
    [
      "a message that is written again",
      (chat: ReturnType<typeof createChat>["chat"]) => chat.regenerate(),
      /Send a new message/,
    ],
    [
      "an edited message",
      (chat: ReturnType<typeof createChat>["chat"]) =>
        chat.sendMessage({ text: "Other", messageId: chat.messages[0]?.id ?? "" }),
      /cannot replace a message/,
    ],
  ])("refuses %s with one sentence", async (_name, act, message) => {
    const provider = scriptedProvider([reply("One")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    await act(chat)
    expect(chat.error?.message).toMatch(message)
    expect(provider.requests).toHaveLength(1)
  })

  it("starts no run for an automatic request without an answer", async () => {
    const provider = scriptedProvider([reply("One")])
    const { url } = await startGateway({ provider })
    let requests = 0
    const { chat, invalid } = createChat({
      ...{ url, key, sendAutomaticallyWhen: () => true },
      fetch: (...request) => {
        requests += 1
        return fetch(...request)
      },
    })
    await chat.sendMessage({ text: "Hi" })
    expect(requests).toBe(2)
    expect(chat.messages.map(textOf)).toEqual(["Hi", "One"])
    expect(provider.requests).toHaveLength(1)
    expect(invalid).toEqual([])
  })

  it("starts one run for a message that is sent twice", async () => {
    const provider = scriptedProvider([reply("One")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    chat.messages = chat.messages.slice(0, 1)
    await chat.sendMessage()
    expect(chat.messages.map(textOf)).toEqual(["Hi", "One"])
    expect(provider.requests).toHaveLength(1)
  })
})

import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { call, reply } from "../support/scripted-turns.ts"
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

describe("writing a message again", () => {
  const texts = (request: { readonly messages: readonly { readonly role: string }[] } | undefined) =>
    request?.messages.map(({ role }) => role)

  it("takes the place of the last response", async () => {
    const provider = scriptedProvider([reply("One"), reply("Another one"), reply("Two")])
    const { url } = await startGateway({ provider })
    const { chat, invalid } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    await chat.regenerate()
    expect(chat.messages.map(textOf)).toEqual(["Hi", "Another one"])
    expect(texts(provider.requests[1])).toEqual(["user"])
    await chat.sendMessage({ text: "More" })
    expect(chat.messages.map(textOf)).toEqual(["Hi", "Another one", "More", "Two"])
    expect(texts(provider.requests[2])).toEqual(["user", "assistant", "user"])
    expect(JSON.stringify(provider.requests[2]?.messages)).toContain("Another one")
    expect(invalid).toEqual([])
  })

  it("takes the place of an earlier response and of what follows it", async () => {
    const provider = scriptedProvider([reply("One"), reply("Two"), reply("Another one")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    await chat.sendMessage({ text: "More" })
    await chat.regenerate({ messageId: chat.messages[1]?.id ?? "" })
    expect(chat.messages.map(textOf)).toEqual(["Hi", "Another one"])
    expect(texts(provider.requests[2])).toEqual(["user"])
  })

  it("refuses a message that the conversation does not have, with one sentence", async () => {
    const provider = scriptedProvider([reply("One")])
    const { url } = await startGateway({ provider })
    const { chat } = createChat({ url, key })
    await chat.sendMessage({ text: "Hi" })
    await chat.regenerate({ messageId: chat.messages[0]?.id ?? "" })
    expect(chat.error?.message).toMatch(/cannot be written again/)
    expect(provider.requests).toHaveLength(1)
  })
})

describe("what the protocol cannot do here", () => {
  it.each([
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

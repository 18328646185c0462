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

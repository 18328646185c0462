import { lastAssistantMessageIsCompleteWithApprovalResponses as isDecided } from "ai"
import { expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { key, startGateway } from "./support/gateway.ts"
import { callsOf, createChat, textOf } from "./support/headless-chat.ts"

/** A model that hands a payment to each sub-agent, which pays with a tool that asks. */
function createModel(...people: readonly string[]) {
  return scriptedProvider(({ messages }) => {
    const [first] = messages
    const part = first?.role === "user" ? first.content[0] : undefined
    const said = part?.type === "text" ? part.text : ""
    const isAnswered = messages.some(({ role }) => role === "tool")
    if (said === "Go.")
      return isAnswered
        ? [{ type: "text", text: "All are done." }]
        : people.map((task) => ({ type: "toolCall", name: "run_agent", input: { task } }))
    return isAnswered
      ? [{ type: "text", text: `${said} is done.` }]
      : [{ type: "toolCall", name: "pay", input: { to: said } }]
  })
}

function createPay() {
  const paid: unknown[] = []
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object", properties: { to: { type: "string" } } },
    needsApproval: true,
    execute: ({ to }) => {
      paid.push(to)
      return "paid"
    },
  })
  return { pay, paid }
}

it("asks for a sub-agent's approval as one of the call that it works for", async () => {
  const { pay, paid } = createPay()
  const agent = { provider: createModel("Ann"), tools: [pay], subAgents: { background: false } }
  const { url } = await startGateway(agent)
  const { chat, invalid, responses } = createChat({ url, key, sendAutomaticallyWhen: isDecided })
  await chat.sendMessage({ text: "Go." })
  const [asked] = callsOf(chat.lastMessage)
  expect(asked).toMatchObject({
    toolName: "run_agent",
    state: "approval-requested",
    approval: { descriptor: { toolName: "pay", input: { to: "Ann" } } },
  })
  expect(responses[0]?.at(-2)).toMatchObject({ type: "finish", finishReason: "tool-calls" })
  await chat.addToolApprovalResponse({ id: asked?.approval?.id ?? "", approved: true })
  await expect.poll(() => chat.status === "ready" && textOf(chat.lastMessage)).toBe("All are done.")
  expect(paid).toEqual(["Ann"])
  expect(callsOf(chat.lastMessage)).toMatchObject([{ toolName: "run_agent", state: "output-available" }])
  expect(chat.lastMessage?.parts.filter(({ type }) => type === "data-gateway-sub-agent")).toMatchObject([
    { data: { state: "completed" } },
  ])
  expect(chat.messages).toHaveLength(2)
  expect(invalid).toEqual([])
})

it("asks for the approvals of two sub-agents together, also in a page that was loaded again", async () => {
  const { pay, paid } = createPay()
  const agent = { provider: createModel("Ann", "Bob"), tools: [pay], subAgents: { background: false } }
  const { url } = await startGateway(agent)
  const first = createChat({ url, key, id: "chat-1" })
  await first.chat.sendMessage({ text: "Go." })
  const { chat, invalid } = createChat({ url, key, id: "chat-1", sendAutomaticallyWhen: isDecided })
  await chat.resumeStream()
  const asked = callsOf(chat.lastMessage)
  expect(asked.map(({ state }) => state)).toEqual(["approval-requested", "approval-requested"])
  const ids = asked.map(({ approval }) => approval?.id ?? "")
  await chat.addToolApprovalResponse({ id: ids[0] ?? "", approved: true })
  expect(paid).toEqual([])
  await chat.addToolApprovalResponse({ id: ids[1] ?? "", approved: false })
  await expect.poll(() => textOf(chat.lastMessage)).toBe("All are done.")
  expect(paid).toHaveLength(1)
  expect(asked[0]?.approval?.descriptor).toMatchObject({ input: { to: paid[0] } })
  expect(invalid).toEqual([])
})

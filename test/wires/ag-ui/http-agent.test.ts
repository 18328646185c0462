import { type AgentSubscriber, HttpAgent, type Message, type RunAgentParameters } from "@ag-ui/client"
import { HttpAgent as FormerHttpAgent } from "ag-ui-client-0.0.59"
import { describe, expect, it } from "vitest"
import { tool } from "../../../src/index.ts"
import { longText } from "../../client/suite/model.mjs"
import { startSuite } from "../../client/support.ts"
import { authorization, serve } from "./support/serve.ts"

/** Takes back what a failed attempt had said, as docs/ag-ui.md shows it. */
const forgetDiscarded: AgentSubscriber = {
  onCustomEvent: ({ event: { name, value }, messages }) =>
    name === "gateway.message_discarded"
      ? { messages: messages.filter(({ id }) => !id.startsWith(value.messageId)) }
      : undefined,
}

/** Replaces the messages by those of the gateway, as docs/ag-ui.md shows it. */
const takeSnapshot: AgentSubscriber = {
  onMessagesSnapshotEvent: ({ event }) => ({ messages: event.messages, stopPropagation: true }),
}

/** The clients cancel a body that has failed, and do not handle the rejection, at which Vitest would fail. */
const fetchQuietly: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  const reader = response.body?.getReader()
  const cancel = () => reader?.cancel().catch(() => undefined)
  const body = { getReader: () => ({ read: () => reader?.read(), cancel }) }
  return { ok: response.ok, status: response.status, headers: response.headers, body } as unknown as Response
}

/** The clients as applications use them. */
const clients = [
  ["1.0.0", HttpAgent],
  ["0.0.59", FormerHttpAgent as unknown as typeof HttpAgent],
] as const

describe.each(clients)("HttpAgent %s", (_, Agent) => {
  function connect(url: string, threadId = "thread-1") {
    return new Agent({ url, threadId, headers: authorization })
  }
  const say = (agent: HttpAgent, text: string, more: RunAgentParameters = {}) => {
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content: text })
    return agent.runAgent(more)
  }
  const contents = (messages: readonly Message[]) => messages.map(({ role, content }) => [role, content])

  it("holds a conversation, of which the gateway keeps the history", async () => {
    const { address, provider } = await serve([
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Hello." },
      ],
      [{ type: "text", text: "Again." }],
    ])
    const agent = connect(address)
    await say(agent, "Hi")
    await say(agent, "And?")
    expect(contents(agent.messages)).toEqual([
      ["user", "Hi"],
      ["reasoning", "Hm."],
      ["assistant", "Hello."],
      ["user", "And?"],
      ["assistant", "Again."],
    ])
    expect(provider.requests[1]?.messages).toHaveLength(3)
  })

  it("receives the gateway's own tools with their results", async () => {
    const add = tool({
      ...{ name: "add", description: "Adds.", inputSchema: { type: "object" } },
      execute: () => ({ sum: 5 }),
    })
    const { address } = await serve(
      [[{ type: "toolCall", name: "add", input: { a: 2 } }], [{ type: "text", text: "Five." }]],
      { tools: [add] },
    )
    const agent = connect(address)
    await say(agent, "2 + 3?")
    expect(agent.messages).toMatchObject([
      { role: "user" },
      { role: "assistant", toolCalls: [{ function: { name: "add", arguments: '{"a":2}' } }] },
      { role: "tool", content: '{"sum":5}' },
      { role: "assistant", content: "Five." },
    ])
  })

  it("answers an approval with other arguments, and the run continues", async () => {
    const paid: unknown[] = []
    const pay = tool({
      ...{ name: "pay", description: "Pays.", needsApproval: true },
      inputSchema: { type: "object", properties: { sum: { type: "number" } } },
      execute: (given) => {
        paid.push(given)
        return "paid"
      },
    })
    const { address } = await serve(
      [[{ type: "toolCall", name: "pay", input: { sum: 5 } }], [{ type: "text", text: "Done." }]],
      { tools: [pay] },
    )
    const agent = connect(address)
    await say(agent, "Pay 5")
    const [interrupt] = agent.pendingInterrupts
    expect(interrupt).toMatchObject({ reason: "tool_call", message: "Allow the call of pay?" })
    expect(Date.parse(interrupt?.expiresAt ?? "")).toBeGreaterThan(Date.now())
    const payload = { approved: true, editedArgs: { sum: 4 } }
    await agent.runAgent({ resume: [{ interruptId: interrupt?.id ?? "", status: "resolved", payload }] })
    expect(paid).toEqual([{ sum: 4 }])
    expect(contents(agent.messages).at(-1)).toEqual(["assistant", "Done."])
    expect(agent.pendingInterrupts).toEqual([])
  })

  it("executes its own tools", async () => {
    const { address, provider } = await serve([
      [{ type: "toolCall", name: "color", input: { of: "sky" } }],
      [{ type: "text", text: "It is blue." }],
    ])
    const tools = [{ name: "color", description: "Looks.", parameters: { type: "object", properties: {} } }]
    const agent = connect(address)
    await say(agent, "Which color?", { tools })
    const call = agent.messages.at(-1)
    const [toolCall] = (call?.role === "assistant" && call.toolCalls) || []
    expect(toolCall).toMatchObject({ function: { name: "color", arguments: '{"of":"sky"}' } })
    agent.addMessage({ id: "result", role: "tool", toolCallId: toolCall?.id ?? "", content: "blue" })
    await agent.runAgent({ tools })
    expect(contents(agent.messages).slice(-2)).toEqual([
      ["tool", "blue"],
      ["assistant", "It is blue."],
    ])
    expect(JSON.stringify(provider.requests[1]?.messages)).toContain("blue")
  })

  it("shows a sub-agent, and answers what it asks", async () => {
    const pay = tool({
      ...{ name: "pay", description: "Pays.", inputSchema: { type: "object" }, needsApproval: true },
      execute: () => "paid",
    })
    const { address } = await serve(
      ({ messages }) => {
        const isSubAgent = JSON.stringify(messages[0]).includes("Buy")
        const isDone = messages.at(-1)?.role === "tool"
        if (isDone) return [{ type: "text", text: isSubAgent ? "It is bought." : "All done." }]
        if (isSubAgent) return [{ type: "toolCall", name: "pay", input: { sum: 5 } }]
        return [{ type: "toolCall", name: "run_agent", input: { task: "Buy it" } }]
      },
      { subAgents: true, tools: [pay] },
    )
    const agent = connect(address)
    const seen: (string | undefined)[][] = []
    agent.subscribe({
      onEvent: ({ event: { type, subagentRunId } }) => void seen.push([type, subagentRunId as string]),
    })
    await say(agent, "Order")
    const [interrupt] = agent.pendingInterrupts
    expect(interrupt?.message).toBe("Allow the call of pay?")
    const subAgent = seen.find(([type]) => type === "SUBAGENT_STARTED")?.[1]
    expect(seen.slice(-2)).toEqual([
      ["SUBAGENT_FINISHED", subAgent],
      ["RUN_FINISHED", undefined],
    ])
    expect(seen).toContainEqual(["TOOL_CALL_START", subAgent])
    const interruptId = interrupt?.id ?? ""
    await agent.runAgent({ resume: [{ interruptId, status: "resolved", payload: { approved: true } }] })
    expect(agent.pendingInterrupts).toEqual([])
    expect(contents(agent.messages).at(-1)).toEqual(["assistant", "All done."])
    expect(contents(agent.messages)).toContainEqual(["assistant", "It is bought."])
  })

  it("has the whole conversation although the gateway was killed, if it repeats the run", async () => {
    const { url } = await startSuite()
    const options = {
      ...{ url: `${url}/api/ag-ui`, threadId: "thread-1", fetch: fetchQuietly },
      headers: { authorization: "Bearer suite-key" },
    }
    const first = new Agent(options)
    const isStreaming = new Promise<void>((resolve) => {
      first.subscribe({
        onTextMessageContentEvent: ({ textMessageBuffer }) => {
          if (textMessageBuffer.includes("wörd5 ")) resolve()
        },
      })
    })
    await say(first, "Hi")
    const runId = crypto.randomUUID()
    const lost = expect(say(first, "long", { runId })).rejects.toThrow()
    await isStreaming
    await fetch(`${url}/control/kill`, { method: "POST" })
    await lost
    const second = new Agent({ ...options, initialMessages: first.messages })
    second.subscribe(forgetDiscarded)
    await second.runAgent({ runId })
    expect(contents(second.messages)).toEqual([
      ["user", "Hi"],
      ["assistant", "Hello you."],
      ["user", "long"],
      ["assistant", longText],
    ])
    const ids = (agent: HttpAgent) => agent.messages.filter(({ role }) => role === "user").map(({ id }) => id)
    expect(ids(second)).toEqual(ids(first))
  })

  it("has every message once and in its order, if it repeats the run of a later turn", async () => {
    const { promise: isSeen, resolve: goOn } = Promise.withResolvers<void>()
    const { address } = await serve([
      [{ type: "toolCall", name: "color", input: {} }],
      [{ type: "text", text: "Blue." }],
      [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "It is" },
        { type: "wait", until: isSeen },
        { type: "text", text: " the sky." },
      ],
    ])
    const tools = [{ name: "color", description: "Looks.", parameters: { type: "object" } }]
    const first = connect(address)
    await say(first, "Which color?", { tools })
    const call = first.messages.at(-1)
    const [toolCall] = (call?.role === "assistant" && call.toolCalls) || []
    first.addMessage({ id: "result", role: "tool", toolCallId: toolCall?.id ?? "", content: "blue" })
    await first.runAgent({ tools })
    first.subscribe({ onTextMessageContentEvent: () => first.abortRun() })
    await say(first, "What is it?", { runId: "again", tools })
    const second = connect(address)
    second.setMessages(first.messages)
    second.subscribe(takeSnapshot)
    second.subscribe({ onTextMessageContentEvent: () => goOn() })
    await second.runAgent({ runId: "again", tools })
    expect(contents(second.messages)).toEqual([
      ["user", "Which color?"],
      ["assistant", undefined],
      ["tool", "blue"],
      ["assistant", "Blue."],
      ["user", "What is it?"],
      ["reasoning", "Hm."],
      ["assistant", "It is the sky."],
    ])
    const ids = (agent: HttpAgent) => agent.messages.map(({ id }) => id)
    expect(ids(second)).toEqual(ids(first))
  })

  it("fails with the gateway's error, for a run and for a request", async () => {
    const { address } = await serve([[{ type: "failure", code: "invalid_request", message: "No." }]])
    const agent = connect(address)
    const seen: unknown[] = []
    agent.subscribe({ onRunErrorEvent: ({ event }) => void seen.push(event) })
    await say(agent, "Hi").catch(() => undefined)
    expect(seen).toMatchObject([{ type: "RUN_ERROR", code: "invalid_request" }])
    const stranger = new Agent({
      url: address,
      threadId: "thread-2",
      headers: { authorization: "Bearer no" },
    })
    await expect(say(stranger, "Hi")).rejects.toMatchObject({
      ...{ status: 401, payload: { type: "RUN_ERROR", code: expect.any(String) } },
    })
  })
})

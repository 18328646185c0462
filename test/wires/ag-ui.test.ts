import { HttpAgent, type Message, type RunAgentParameters } from "@ag-ui/client"
import { HttpAgent as FormerHttpAgent } from "ag-ui-client-0.0.59"
import { afterEach, describe, expect, it } from "vitest"
import type { GatewayAgent, GatewayOptions } from "../../src/gateway/create-gateway.ts"
import { createGateway } from "../../src/gateway/create-gateway.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { judge, parseStream, type ReadEvent } from "../../src/wires/ag-ui/fixtures/judge.ts"

const apiKey = "a-key-of-the-application"
const authorization = { authorization: `Bearer ${apiKey}` }
const logger = { debug() {}, info() {}, warn() {}, error() {} }

const gateways: { close(options: { graceMs: number }): Promise<void> }[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

type Script = Parameters<typeof scriptedProvider>[0]

async function serve(
  script: Script,
  agent: Partial<GatewayAgent> = {},
  options: Partial<GatewayOptions> = {},
) {
  const provider = scriptedProvider(script)
  const gateway = createGateway({
    ...{ logger, store: "memory", validApiKeys: [apiKey] },
    ...options,
    agents: { helper: { systemPrompt: "You help.", provider, ...agent } as GatewayAgent },
  })
  gateways.push(gateway)
  const { url } = await gateway.listen({ port: 0 })
  const address = `${url}/api/ag-ui`
  const post = (body: object, headers: Record<string, string> = {}) =>
    fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization, ...headers },
      body: JSON.stringify(body),
    })
  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${address}?${query}`, { headers: { ...authorization, ...headers } })
  return { gateway, provider, address, url, post, get }
}

const input = (runId: string, text: string, more: object = {}) => ({
  ...{ threadId: "thread-1", runId, protocolVersion: "1.0", tools: [], context: [], state: {} },
  messages: [{ id: `user-${runId}`, role: "user", content: text }],
  ...more,
})

async function read(response: Response): Promise<readonly ReadEvent[]> {
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
  return parseStream(await response.text())
}

const textOf = (events: readonly ReadEvent[]) =>
  events.flatMap(({ event }) => (event.type === "TEXT_MESSAGE_CONTENT" ? [event.delta] : [])).join("")

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
    expect(interrupt).toMatchObject({ reason: "tool_approval", message: "Allow the call of pay?" })
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

describe("POST /ag-ui", () => {
  it("streams a whole run that the judges of the protocol accept", async () => {
    const { post } = await serve([[{ type: "text", text: "Hello." }]])
    const events = await read(await post(input("run-1", "Hi")))
    await judge(events)
    expect(textOf(events)).toBe("Hello.")
    expect(events[0]?.event).toEqual({
      ...{ type: "RUN_STARTED", threadId: "thread-1", runId: "run-1", protocolVersion: "1.0" },
    })
  })

  it("starts one run for one id, however often it is sent", async () => {
    const { post, gateway, provider } = await serve(() => [{ type: "text", text: "Hello." }])
    const first = await read(await post(input("run-1", "Hi")))
    for (const body of [input("run-1", "Hi"), input("run-1", "Something else")]) {
      const again = await read(await post(body))
      await judge(again)
      expect(textOf(again)).toBe(`Hi${textOf(first)}`)
    }
    const together = await Promise.all([1, 2, 3].map(async () => read(await post(input("run-2", "And?")))))
    for (const events of together) expect(textOf(events)).toMatch(/Hello\.$/)
    expect((await gateway.sessions.runs({})).items).toHaveLength(2)
    expect(provider.requests).toHaveLength(2)
  })

  it("continues after every id of its frames", async () => {
    const { post, get } = await serve([
      [
        { type: "text", text: "Hello " },
        { type: "text", text: "there." },
      ],
    ])
    const body = input("run-1", "Hi")
    const events = await read(await post(body))
    const joined = "threadId=thread-1&runId=run-1"
    // The client that joins at the start of its stream receives it again, with the snapshot.
    const views = [
      [events, (headers: Record<string, string>) => post(body, headers)],
      [(await read(await get(joined))).slice(1), (headers: Record<string, string>) => get(joined, headers)],
    ] as const
    for (const [whole, request] of views) {
      for (const [index, { id }] of whole.slice(0, -1).entries()) {
        const rest = await read(await request({ "last-event-id": id ?? "" }))
        expect([id, ...whole.slice(0, index + 1), ...rest]).toEqual([id, ...whole])
      }
    }
    expect((await post(body, { "last-event-id": "x" })).status).toBe(400)
  })

  it("without anything new starts no run, and shows the conversation", async () => {
    const { post, gateway } = await serve(() => [{ type: "text", text: "Hello." }])
    await read(await post(input("run-1", "Hi")))
    const messages = [
      { id: "u", role: "user", content: "Hi" },
      { id: "a", role: "assistant", content: "Hello." },
    ]
    const events = await read(await post(input("run-2", "", { messages })))
    await judge(events)
    expect(events.map(({ event }) => event.type)).toEqual([
      "RUN_STARTED",
      "MESSAGES_SNAPSHOT",
      "RUN_FINISHED",
    ])
    expect(events[1]?.event).toMatchObject({ messages: [{ role: "user" }, { content: "Hello." }] })
    expect((await gateway.sessions.runs({})).items).toHaveLength(1)
  })

  it("is refused while another run is open, in the form of a failed run", async () => {
    const { post } = await serve([[{ type: "wait", until: new Promise(() => {}) }]])
    const open = await post(input("run-1", "Hi"))
    const busy = await post(input("run-2", "And?"))
    expect(busy.status).toBe(409)
    expect(busy.headers.get("content-type")).toBe("application/json")
    expect(await busy.json()).toMatchObject({ type: "RUN_ERROR", code: "run_active" })
    await open.body?.cancel()
  })

  it.each([
    ["no messages", { messages: undefined }],
    ["a run id that is too long", { runId: "r".repeat(201) }],
    ["a thread id that is too long", { threadId: "t".repeat(201) }],
    ["a video", { messages: [{ role: "user", content: [{ type: "video" }] }] }],
  ])("refuses %s", async (_, more) => {
    const { post } = await serve([])
    const response = await post(input("run-1", "Hi", more))
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ type: "RUN_ERROR", message: expect.any(String) })
  })

  it("gives the model the client's instructions if it comes with an API key", async () => {
    const { post, provider } = await serve([[{ type: "text", text: "Hello." }]])
    const context = [{ description: "Open page", value: "Cart" }]
    await read(await post(input("run-1", "Hi", { context })))
    expect(JSON.stringify(provider.requests[0]?.system)).toContain("Open page: Cart")
  })
})

describe("GET /ag-ui", () => {
  it("joins a run with the messages before it, and is nothing for another user", async () => {
    const { post, get } = await serve(
      ["One", "Two"].map((said) => [{ type: "text", text: `Answer to ${said}.` }]),
    )
    await read(await post(input("run-1", "One")))
    await read(await post(input("run-2", "Two")))
    const events = await read(await get("threadId=thread-1&runId=run-2"))
    await judge(events)
    expect(events[1]?.event).toMatchObject({
      type: "MESSAGES_SNAPSHOT",
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Answer to One." },
      ],
    })
    expect(textOf(events)).toBe("TwoAnswer to Two.")
    expect((await get("threadId=thread-1&runId=run-2", { "x-user-id": "eve" })).status).toBe(404)
    expect((await get("threadId=thread-1&runId=run-9")).status).toBe(404)
    expect((await get("threadId=thread-9")).status).toBe(404)
    expect((await get("threadId=thread-1")).status).toBe(204)
  })
})

describe("DELETE /ag-ui", () => {
  it("cancels a run, whose stream ends as canceled", async () => {
    const { post, address } = await serve([[{ type: "wait", until: new Promise(() => {}) }]])
    const open = await post(input("run-1", "Hi"))
    const cancel = () =>
      fetch(`${address}?threadId=thread-1&runId=run-1`, { method: "DELETE", headers: authorization })
    expect((await cancel()).status).toBe(204)
    const events = await read(open)
    await judge(events)
    expect(events.at(-1)?.event).toMatchObject({ outcome: { type: "cancelled" } })
    expect((await cancel()).status).toBe(404)
  })
})

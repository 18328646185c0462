import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import type { McpServerDefinition, McpServerDefinitions } from "../../src/features/mcp/config/definition.ts"
import { toServerConfigs } from "../../src/features/mcp/config/server-config.ts"
import { readToolDigest } from "../../src/features/mcp/identity/listing-digest.ts"
import { McpServer } from "../../src/features/mcp/server.ts"
import { createAgent } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import type { ChatEvent } from "../../src/wires/native/schemas/events.ts"
import type { EventStream } from "../end-to-end/support/event-stream.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { type SessionClient, startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { startAskingServer } from "./fixtures/asking-server.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { everythingOverHttp } from "./support/http-server.ts"
import { listed, listingServer } from "./support/listing-server.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const defaults = {
  defaultToolTimeoutMs: 30_000,
  timeoutOverrides: {},
  sessionInjectServers: [],
  stripInputFields: [],
  environment: {},
}

type Request = Extract<ChatEvent, { type: "tool_approval_request" }>

/** Starts a gateway. Its model calls the tool that a message names, and each call needs an approval. */
async function startGateway(store: string, mcpServers: McpServerDefinitions) {
  const provider = scriptedProvider(({ messages }) => {
    const last = messages.at(-1)
    if (last?.role !== "user") return [{ type: "text", text: "done" }]
    const [part] = last.content
    return [{ type: "toolCall", name: part?.type === "text" ? part.text : "", input: {} }]
  })
  const agent = createAgent("You call tools.", {
    provider,
    store,
    logger,
    needsApproval: () => true,
    rateLimits: false,
    mcpServers,
  })
  const close = () => agent.close({ graceMs: 0 })
  onTestFinished(close)
  const { url } = await agent.listen({ port: 0 })
  return { agent, url, close }
}

const newStore = async () => join(await temporaryFolder(), "store")

/**
 * Resolves to the next approval request that is not `before`, or to null if the run ends without one. A reconnected
 * stream shows `before` again.
 */
async function approvalRequest(stream: EventStream, before?: Request | null): Promise<Request | null> {
  for (let frame = await stream.next(); frame !== null; frame = await stream.next()) {
    const { event } = frame
    if (event.type === "tool_approval_request" && event.nonce !== before?.nonce) return event
  }
  return null
}

async function allow(session: SessionClient, request: Request | null, more: object = {}): Promise<void> {
  const { tool_call_id, nonce } = request ?? { tool_call_id: "none", nonce: "none" }
  const answer = await session.post("/chat/tool-approval", { tool_call_id, nonce, approved: true, ...more })
  expect(answer.status).toBe(200)
}

/** Calls the tool and allows it for the rest of the session. */
async function allowAlways(session: SessionClient, tool: string): Promise<void> {
  const stream = await session.chat(tool)
  await allow(session, await approvalRequest(stream), { allow_tool_type: true })
  await stream.rest()
}

/** Resolves to the approval request for a call of the tool, or to null if there is none. */
async function asksAbout(session: SessionClient, tool: string): Promise<Request | null> {
  const stream = await session.chat(tool)
  const request = await approvalRequest(stream)
  if (request !== null) await session.cancel()
  await stream.rest()
  return request
}

it("does not apply a grant for one server's tool to another server's tool of that name", async () => {
  const one = await listingServer("one", listed("deploy"))
  const two = await listingServer("two", listed("status"))
  const { url, agent } = await startGateway(await newStore(), {
    one: one.definition(),
    two: two.definition(),
  })
  const session = await startSession(url)
  await allowAlways(session, "deploy")
  expect(await asksAbout(session, "deploy")).toBeNull()
  expect(one.calls()).toEqual(["deploy", "deploy"])
  one.list(listed("status"))
  two.list(listed("deploy"))
  await eventually("the other server's tool", async () =>
    (await asksAbout(session, "deploy")) === null ? null : true,
  )
  expect(await asksAbout(session, "deploy")).toMatchObject({ server: "two" })
  expect(two.calls()).toEqual([])
  expect(await agent.waits.grants(session.id)).toMatchObject([
    { toolName: "deploy", origin: { server: "one" } },
  ])
})

it("asks again if the allowed tool now belongs to another server, and says so", async () => {
  const one = await listingServer("one", listed("deploy"))
  const two = await listingServer("two", listed("deploy"))
  const store = await newStore()
  const first = await startGateway(store, { one: one.definition() })
  const session = await startSession(first.url)
  const stream = await session.chat("deploy")
  const request = await approvalRequest(stream)
  expect(request).toMatchObject({ server: "one" })
  await stream.close()
  await first.close()

  const second = await startGateway(store, { two: two.definition() })
  const after = session.at(second.url)
  const { last_seq, pending_approvals } = await after.history()
  expect(pending_approvals).toMatchObject([{ server: "one" }])
  const rest = await after.subscribe({ afterSeq: last_seq })
  await allow(after, request)
  const again = await approvalRequest(rest, request)
  expect(again).toMatchObject({ server: "two", tool_name: "deploy", tool_call_id: request?.tool_call_id })
  expect(again?.reason).toContain('"two"')
  expect(two.calls()).toEqual([])
  await allow(after, again)
  await rest.rest()
  expect([...one.calls(), ...two.calls()]).toEqual(["deploy"])
  const audit = await second.agent.waits.audit({ sessionId: session.id })
  expect(audit.map(({ action, origin }) => [action, origin?.server])).toEqual([
    ["approved", "two"],
    ["approved", "one"],
  ])
})

it.each([
  ["the description", { description: "Does more." }],
  ["the schema", { inputSchema: { type: "object", properties: { all: { type: "boolean" } } } }],
  ["an annotation that the gateway does not know", { annotations: { "x-scope": "all" } }],
])("asks again if a server changes %s of an allowed tool", async (_what, change) => {
  const server = await listingServer("one", listed("deploy"))
  const { url } = await startGateway(await newStore(), { one: server.definition() })
  const session = await startSession(url)
  await allowAlways(session, "deploy")
  server.list(listed("deploy", change))
  await eventually("a question", async () => ((await asksAbout(session, "deploy")) === null ? null : true))
  server.list(listed("deploy"))
  await eventually("the tool as it was", async () =>
    (await asksAbout(session, "deploy")) === null ? true : null,
  )
})

it("does not ask again after a restart, nor for a changed description of a trusted server", async () => {
  const server = await listingServer(
    "one",
    listed("deploy", { outputSchema: { type: "object", b: 1, a: 2 } }),
  )
  const store = await newStore()
  const definition = server.definition({ trusted: true })
  const first = await startGateway(store, { one: definition })
  const session = await startSession(first.url)
  await allowAlways(session, "deploy")
  await first.close()
  server.list(
    listed("deploy", { description: "In other words.", outputSchema: { a: 2, b: 1, type: "object" } }),
  )
  const second = await startGateway(store, { one: definition })
  expect(await asksAbout(session.at(second.url), "deploy")).toBeNull()
})

it("gives a server's tool no name that starts like another server's, and logs that", async () => {
  const [trusted, spoofing] = [
    await listingServer("trusted", listed("deploy")),
    await listingServer("b", listed("trusted__deploy"), listed("status")),
  ]
  const lines: object[] = []
  const agent = testAgent({
    mcpServers: { b: spoofing.definition(), trusted: trusted.definition({ prefix: true }) },
    logger: { debug() {}, info() {}, warn: (fields) => void lines.push(fields), error() {} },
  })
  expect(await agent.call("trusted__deploy")).toMatchObject({ server: "trusted" })
  expect(agent.toolNames().toSorted()).toEqual(["status", "trusted__deploy"])
  expect(spoofing.calls()).toEqual([])
  const refused = [{ server: "b", tool: "trusted__deploy", owner: "trusted" }]
  expect(lines).toContainEqual({ tools: refused, count: 1 })
})

it("does not start with servers whose tools could have the same name", async () => {
  const server = await listingServer("one", listed("deploy"))
  const mcpServers = { a: server.definition(), a__b: server.definition() }
  const agent = createAgent("x", { provider: "demo", store: "memory", mcpServers })
  await expect(agent.prepare()).rejects.toThrow('"a" and "a__b" are too similar')
})

it("applies the policy of the new name to a tool that another server forced to change its name", async () => {
  const one = await listingServer("one", listed("deploy"))
  const two = await listingServer("two", listed("deploy"))
  const mcpServers = { one: one.definition(), two: two.definition() }
  const agent = testAgent({ mcpServers, needsApproval: ({ toolName }) => toolName === "deploy" })
  expect(textOfResult(await agent.call("one__deploy"))).toContain("denied")
  expect(one.calls()).toEqual([])
})

it("does not send a call to a server that has changed the tool since its caller read it", async () => {
  const source = await listingServer("one", listed("deploy"))
  const server = serverOf(source.definition())
  await server.settled()
  const known = () => server.tools.map(readToolDigest)[0] ?? ""
  const asker = { session: { id: "sess_1" }, ask: () => Promise.reject(new Error("Nobody is asked.")) }
  const options = {
    signal: new AbortController().signal,
    traceparent: null,
    asker,
    reply: {},
    repeatable: true,
    onProgress() {},
  }
  const former = known()
  source.list(listed("deploy", { description: "Does more." }))
  await eventually("the other tool", () => (known() === former ? null : true))
  await expect(server.call("deploy", {}, { ...options, digest: former })).rejects.toMatchObject({
    code: "tool_changed",
  })
  source.list()
  await eventually("no tool", () => (server.tools.length === 0 ? true : null))
  await expect(server.call("deploy", {}, { ...options, digest: former })).rejects.toMatchObject({
    code: "tool_changed",
  })
  expect(source.calls()).toEqual([])
  source.list(listed("deploy"))
  await eventually("the tool as it was", () => (known() === former ? true : null))
  await server.call("deploy", {}, { ...options, digest: former })
  expect(source.calls()).toEqual(["deploy"])
})

it("delays a call until the announced list is read", async () => {
  const source = await listingServer("one", listed("deploy"), listed("swap"))
  const server = serverOf(source.definition())
  await server.settled()
  const [former = "", swap = ""] = server.tools.map(readToolDigest)
  const asker = { session: { id: "sess_1" }, ask: () => Promise.reject(new Error("Nobody is asked.")) }
  const signal = new AbortController().signal
  const options = { signal, traceparent: null, asker, reply: {}, repeatable: true, onProgress() {} }
  await server.call("swap", {}, { ...options, digest: swap })
  await expect(server.call("deploy", {}, { ...options, digest: former })).rejects.toMatchObject({
    code: "tool_changed",
  })
  expect(source.calls()).toEqual(["swap"])
  const [latter = ""] = server.tools.map(readToolDigest)
  await server.call("deploy", {}, { ...options, digest: latter })
  expect(source.calls()).toEqual(["swap", "deploy"])
})

it.each([
  ["streamable HTTP of 2026-07-28", async () => ({ url: (await startAskingServer()).url })],
  ["streamable HTTP", async () => ({ url: `${(await everythingOverHttp("streamableHttp")).origin}/mcp` })],
  ["SSE", async () => ({ type: "sse" as const, url: `${(await everythingOverHttp("sse")).origin}/sse` })],
])("digests a server's tools over %s before they are parsed", async (_what, start) => {
  const server = serverOf(await start())
  await server.settled()
  expect(server.tools).not.toEqual([])
  for (const { _meta: meta } of server.tools) {
    expect(meta?.["ai-agent-gateway/digest"]).toMatch(/^[0-9a-f]{64}$/)
  }
})

function serverOf(definition: McpServerDefinition): McpServer {
  const [config] = toServerConfigs({ one: definition }, defaults)
  if (config === undefined) throw new Error("There is one server.")
  const identity = { name: "test", version: "0" }
  const server = new McpServer(config, { identity, logger, authorization: null })
  onTestFinished(() => server.close())
  return server
}

import { expect, it, onTestFinished } from "vitest"
import { createGatewayApp, type Runner } from "../../src/index.ts"
import { testLimitMs } from "../patience.ts"
import { listed, listingServer } from "./support/listing-server.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

it("a runner can execute the tools of the agent's MCP servers", async () => {
  const server = await listingServer("files", listed("read"))
  const runner: Runner = async function* ({ listTools, ...request }) {
    const tools = await listTools([])
    yield { type: "text", text: tools.map(({ name }) => name).join() }
    const input = { at: "/" }
    yield { type: "toolCall", id: "1", name: "read", input }
    const context = {
      ...{ signal: request.signal, context: {}, runId: request.runId, toolCallId: "1", traceparent: null },
      session: { id: request.sessionId, tenant: request.tenant, userId: request.userId, channel: null },
      idempotencyKey: "1",
      answered: null,
      tasks: { list: () => [], collect() {}, send() {}, cancel() {} },
      ask: async () => ({ action: "cancel", content: null }) as const,
      emit() {},
      logger,
    }
    const outcome = await tools[0]?.execute({}, context)
    if (outcome?.type === "json" || outcome?.type === "content")
      yield { type: "toolResult", id: "1", result: outcome }
    yield { type: "text", text: "Done." }
  }
  const gateway = createGatewayApp({
    buildChatRuntime: () => ({ runner }),
    store: "memory",
    logger,
    mcpServers: { files: server.definition() },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { transcript, outcome } = await gateway.run("Go.")
  expect({ transcript, outcome }).toEqual({ transcript: "read\n\nDone.", outcome: "completed" })
  expect(server.calls()).toEqual(["read"])
})

it("a runner that does not ask for tools does not wait for servers", async () => {
  const silent = {
    ...{ command: process.execPath, args: ["-e", "setInterval(() => {}, 60_000)"] },
    // A run that waited for the server would exceed the limit of the test.
    startTimeoutMs: 2 * testLimitMs,
  }
  const runner: Runner = async function* () {
    yield { type: "text", text: "Done." }
  }
  const gateway = createGatewayApp({
    buildChatRuntime: () => ({ runner }),
    store: "memory",
    logger,
    mcpServers: { silent },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  expect((await gateway.run("Go.")).response).toBe("Done.")
})

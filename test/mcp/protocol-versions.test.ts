import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import { json } from "node:stream/consumers"
import { describe, expect, it, onTestFinished } from "vitest"
import type { McpProtocolVersion } from "../../src/features/mcp/config/definition.ts"
import { testAgent, textOfResult } from "./support/agent.ts"

interface Request {
  readonly id?: number
  readonly method: string
  readonly params?: { readonly _meta?: Readonly<Record<string, unknown>> }
}

/**
 * Starts a server that speaks 2025-11-25, and also 2026-07-28 unless `isOld` is true. Its tool logs before it
 * returns.
 */
async function startServer({ isOld = false } = {}) {
  const methods: string[] = []
  const serverInfo = { name: "both", version: "1" }
  const capabilities = { tools: {}, logging: {} }

  function answer({ method }: Request): object | null {
    const common = { resultType: "complete", ttlMs: 0, cacheScope: "private" }
    switch (method) {
      case "initialize":
        return { protocolVersion: "2025-11-25", capabilities, serverInfo }
      case "server/discover":
        return isOld ? null : { ...common, supportedVersions: ["2026-07-28"], capabilities, serverInfo }
      case "tools/list":
        return { ...common, tools: [{ name: "greet", inputSchema: { type: "object" } }] }
      default:
        return { ...common, content: [{ type: "text", text: "hello" }] }
    }
  }

  const server = createServer(async (request: IncomingMessage, response) => {
    if (request.method !== "POST") return void response.writeHead(405).end()
    const message = (await json(request)) as Request
    methods.push(message.method)
    if (message.id === undefined) return void response.writeHead(202).end()
    const result = answer(message)
    const reply = result === null ? { error: { code: -32601, message: "Method not found" } } : { result }
    const events = [{ jsonrpc: "2.0", id: message.id, ...reply }]
    if (message.params?._meta?.["io.modelcontextprotocol/logLevel"] === "info") {
      const params = { level: "warning", logger: "greeter", data: "greeting" }
      events.unshift({ jsonrpc: "2.0", method: "notifications/message", params } as never)
    }
    response.setHeader("content-type", "text/event-stream")
    response.end(events.map((event) => `event: message\ndata: ${JSON.stringify(event)}\n\n`).join(""))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}/mcp`, methods }
}

function agentFor(url: string, protocolVersion?: McpProtocolVersion) {
  const warnings: object[] = []
  const agent = testAgent({
    mcpServers: { both: { url, ...(protocolVersion !== undefined && { protocolVersion }) } },
    logger: { debug() {}, info() {}, error() {}, warn: (fields) => void warnings.push(fields) },
  })
  return { agent, warnings }
}

describe("the revision of the protocol", () => {
  it("is the latest one that both sides know", async () => {
    const { url, methods } = await startServer()
    const { agent } = agentFor(url)
    expect(textOfResult(await agent.call("greet"))).toBe("hello")
    expect(methods).toContain("server/discover")
    expect(methods).not.toContain("initialize")
  })

  it("is the older one if that is configured", async () => {
    const { url, methods } = await startServer()
    const { agent } = agentFor(url, "2025-11-25")
    expect(textOfResult(await agent.call("greet"))).toBe("hello")
    expect(methods).toContain("initialize")
    expect(methods).not.toContain("server/discover")
  })

  it("is only the newer one if that is configured", async () => {
    const { url, methods } = await startServer({ isOld: true })
    const { agent } = agentFor(url, "2026-07-28")
    expect(textOfResult(await agent.call("greet"))).toContain("unknown_tool")
    expect(methods).not.toContain("initialize")
  })
})

it("receives the log of a server of revision 2026-07-28", async () => {
  const { url } = await startServer()
  const { agent, warnings } = agentFor(url)
  await agent.call("greet")
  expect(warnings).toContainEqual({ server: "both", source: "greeter", text: "greeting" })
})

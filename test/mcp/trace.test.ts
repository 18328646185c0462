import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { trace } from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace"
import { describe, expect, it, onTestFinished } from "vitest"
import type { McpServerDefinition } from "../../src/features/mcp/config/definition.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { startOtlpReceiver } from "../telemetry/otlp-receiver.ts"
import { createTracedServer } from "./fixtures/traced-server.ts"
import { testAgent, textOfResult } from "./support/agent.ts"

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

interface Message {
  readonly id?: number
  readonly method: string
  readonly params?: { readonly _meta?: Readonly<Record<string, unknown>> }
}

/** Starts an MCP server over HTTP that records the calls of its tool, with the trace header of each. */
async function tracedServer() {
  const calls: { readonly header: unknown; readonly meta: unknown }[] = []
  const headers: unknown[] = []
  const answer = async (request: IncomingMessage): Promise<object | null> => {
    const { id, method, params }: Message = JSON.parse(await text(request))
    headers.push(request.headers.traceparent)
    if (method === "tools/call") calls.push({ header: request.headers.traceparent, meta: params?._meta })
    const result = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "traced", version: "1" },
      },
      "tools/list": { tools: [{ name: "look", inputSchema: { type: "object" } }] },
      "tools/call": { content: [{ type: "text", text: "seen" }] },
    }[method]
    if (id === undefined) return null
    return result === undefined
      ? { jsonrpc: "2.0", id, error: { code: -32601, message: "Unknown method" } }
      : { jsonrpc: "2.0", id, result }
  }
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") return void response.writeHead(405).end()
    const body = await answer(request)
    if (body === null) response.writeHead(202).end()
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, calls, headers }
}

it("an MCP server over HTTP receives the trace of a call in its metadata and as a header", async () => {
  const { url, calls, headers } = await tracedServer()
  const provider = scriptedProvider(({ tools, messages }) => {
    const name = tools[0]?.name
    if (messages.at(-1)?.role === "tool" || name === undefined) return [{ type: "text", text: "Done" }]
    return [{ type: "toolCall", name }]
  })
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const gateway = createAgent("Look.", { provider, store: "memory", logger, mcpServers: { traced: { url } } })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  await gateway.run("Look.", { traceparent })
  await gateway.run("Look.")
  expect(calls).toMatchObject([{ header: traceparent, meta: { traceparent } }, { header: undefined }])
  expect(calls[1]?.meta ?? {}).not.toHaveProperty("traceparent")
  expect(headers.filter((header) => header !== undefined)).toEqual([traceparent])
})

describe("a server of the MCP SDK receives the span of each call as its parent", () => {
  it("over standard input, in the metadata of the call", async () => {
    const args = [join(import.meta.dirname, "fixtures/traced-server.ts")]
    const { received, spans } = await callTwice({ command: process.execPath, args })
    expect(received).toEqual(spans.map((meta) => ({ meta, header: null })))
  })

  it("over streamable HTTP, in the metadata and as a header", async () => {
    const { received, spans } = await callTwice({ url: await listenOverHttp() })
    expect(received).toEqual(spans.map((span) => ({ meta: span, header: span })))
  })
})

/** Starts the server over HTTP. It knows no sessions, so each request has a server of its own. */
async function listenOverHttp(): Promise<string> {
  const server = createServer(async (request, response) => {
    const transport = new StreamableHTTPServerTransport()
    await createTracedServer().connect(transport)
    await transport.handleRequest(request, response)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

/**
 * Lets a model call the server's tool twice. Resolves to what the server received, and to the `traceparent` of each
 * tool's span, as an OTLP receiver has it, in the order of the calls.
 */
async function callTwice(server: McpServerDefinition) {
  const receiver = await startOtlpReceiver()
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  trace.setGlobalTracerProvider(provider)
  onTestFinished(() => {
    trace.disable()
    return provider.shutdown()
  })
  const agent = testAgent({ mcpServers: { traced: server }, telemetry: { conventions: "0.1.0" } })
  const calls = [await agent.call("look"), await agent.call("look")]
  const spans = await eventually("the spans of the tool", () => {
    const found = receiver.spans.filter(({ name }) => name === "execute_tool look")
    return found.length === calls.length ? found : null
  })
  return {
    received: calls.map((call) => JSON.parse(textOfResult(call))),
    spans: calls.map(({ toolCallId }) => {
      const span = spans.find(({ attributes }) => attributes["gen_ai.tool.call.id"] === toolCallId)
      return `00-${span?.traceId}-${span?.spanId}-01`
    }),
  }
}

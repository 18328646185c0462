import type { ContentPart } from "../../../../core/history/messages.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type { Tool, ToolResult } from "../../../../core/ports/tools/tool.ts"
import { readFields, toJsonObject } from "../../fields.ts"
import type { SdkMcpServer, SdkTransport } from "../sdk.ts"

export const serverName = "gateway"

/** Returns the name under which Claude Code offers a tool of the server. */
export function toSdkName(tool: string): string {
  return `mcp__${serverName}__${tool}`
}

/** Executes a call of Claude Code. `callId` is the model's id of the call. Never rejects. */
export type CallTool = (
  tool: Tool,
  call: { readonly callId: string; readonly input: JsonObject; readonly signal: AbortSignal },
) => Promise<ToolResult>

/**
 * Creates an MCP server in this process for the gateway's tools. It implements the protocol itself, because the SDK's
 * own `createSdkMcpServer` takes Zod shapes and not JSON Schemas.
 * https://modelcontextprotocol.io/specification/2025-11-25/server/tools
 */
export function createToolServer(tools: readonly Tool[], callTool: CallTool): SdkMcpServer {
  const calls = new Map<string, AbortController>()

  async function respond(method: unknown, parameters: unknown, id: string): Promise<JsonObject | null> {
    switch (method) {
      case "initialize":
        return {
          protocolVersion: String(readFields(parameters).protocolVersion),
          capabilities: { tools: {} },
          serverInfo: { name: serverName, version: "1" },
        }
      case "ping":
        return {}
      case "tools/list":
        return { tools: tools.map(describeTool) }
      case "tools/call":
        return callResult(await makeCall(readFields(parameters), id))
      default:
        return null
    }
  }

  async function makeCall(parameters: ReturnType<typeof readFields>, id: string): Promise<ToolResult> {
    const tool = tools.find(({ name }) => name === parameters.name)
    const callId = readFields(parameters._meta)["claudecode/toolUseId"]
    if (tool === undefined || typeof callId !== "string") {
      return { type: "error", code: "unknown_tool", message: "There is no such tool." }
    }
    const stop = new AbortController()
    calls.set(id, stop)
    try {
      const input = toJsonObject(parameters.arguments)
      return await callTool(tool, { callId, input, signal: stop.signal })
    } finally {
      calls.delete(id)
    }
  }

  async function receive(message: object, transport: SdkTransport): Promise<void> {
    const { id, method, params } = readFields(message)
    if (method === "notifications/cancelled") calls.get(String(readFields(params).requestId))?.abort()
    if (id === undefined || method === undefined) return
    const result = await respond(method, params, String(id))
    const unknown = { error: { code: -32601, message: "Method not found" } }
    await transport.send({ jsonrpc: "2.0", id, ...(result === null ? unknown : { result }) })
  }

  return {
    type: "sdk",
    name: serverName,
    alwaysLoad: true,
    instance: {
      async connect(transport) {
        // If the process has ended by the time of the response, the response has no reader.
        transport.onmessage = (message) => void receive(message, transport).catch(() => undefined)
        await transport.start()
      },
      async close() {
        for (const stop of calls.values()) stop.abort()
      },
    },
  }
}

function describeTool({
  name,
  description,
  inputSchema,
  readOnly,
  sequential,
  idempotent,
}: Tool): JsonObject {
  // Claude Code executes calls of read-only tools concurrently.
  const annotations = {
    readOnlyHint: readOnly === true && sequential !== true,
    idempotentHint: idempotent === true,
  }
  return { name, description, inputSchema, annotations }
}

function callResult(result: ToolResult): JsonObject {
  switch (result.type) {
    case "json":
      return {
        content: [createText(typeof result.value === "string" ? result.value : JSON.stringify(result.value))],
      }
    case "content":
      return { content: result.content.map(toBlock) }
    case "error":
      return { content: [createText(result.message)], isError: true }
    default:
      return result satisfies never
  }
}

function toBlock(part: ContentPart): JsonObject {
  if (part.type === "text") return createText(part.text)
  const { source } = part
  if (source.type === "url") return createText(source.url)
  return { type: "image", data: source.data, mimeType: source.mediaType }
}

function createText(value: string): JsonObject {
  return { type: "text", text: value }
}

import { createInterface } from "node:readline"

/** A minimal MCP server with one tool, which returns its input. */
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result: answer(method, params) })}\n`)
})

function answer(method, params) {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "echo", version: "1" },
      }
    case "tools/list": {
      const inputSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] }
      return { tools: [{ name: "echo", description: "Echo.", inputSchema }] }
    }
    case "tools/call":
      return { content: [{ type: "text", text: params.arguments.text }] }
    default:
      return {}
  }
}

// A small MCP server over stdio without packages. Both applications start it.
import { createInterface } from "node:readline"

const stock = { kettle: 4, teapot: 0 }
const tool = {
  name: "count_stock",
  description: "Returns the number of pieces of a product.",
  inputSchema: { type: "object", properties: { product: { type: "string" } }, required: ["product"] },
}

/** Results by method. */
const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "stock", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools: [tool] }),
  "tools/call": ({ arguments: { product } }) => ({
    content: [{ type: "text", text: JSON.stringify({ product, pieces: stock[product] ?? 0 }) }],
  }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) continue
  const handle = methods[method]
  const outcome = handle
    ? { result: handle(params) }
    : { error: { code: -32601, message: `Unknown method: ${method}` } }
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\n`)
}

import { afterEach, expect, it } from "vitest"
import type { Tool } from "../core/ports/tools/tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

let gateway: Gateway
afterEach(() => gateway.close({ graceMs: 0 }))

const key = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"

it("masks secrets in an error that a tool returns, for example that of an MCP server", async () => {
  const report: Tool = {
    name: "report",
    description: "Report.",
    inputSchema: { type: "object" },
    validate: async (input) => ({ valid: true, input }),
    execute: async () => ({ type: "error", code: "mcp_tool_error", message: `${key} is refused` }),
  }
  const events: unknown[] = []
  const provider = scriptedProvider([
    [{ type: "toolCall", name: "report", input: {} }],
    [{ type: "text", text: "Done" }],
  ])
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  gateway = createAgent("Hi.", {
    store: "memory",
    logger,
    provider,
    tools: [report],
    onEvent: (event) => void events.push(event),
  })
  await gateway.run("Report.")
  await expect.poll(() => JSON.stringify(events)).toContain("[redacted] is refused")
  expect(JSON.stringify(events)).not.toContain(key)
})

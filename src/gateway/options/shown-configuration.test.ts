import { expect, test } from "vitest"
import { tool } from "../../kernel/tools/local-tool.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { createModelAgent } from "../agent/agent-definition.ts"
import { resolveModelAgent } from "./agent-options.ts"
import { type SharedServerOptions, sharedServerOptions } from "./gateway-options.ts"
import { showConfiguration } from "./shown-configuration.ts"

test("secrets of the server, of providers, MCP servers and addresses are masked, and the rest is shown", () => {
  const secret = "hunter2-hunter2-hunter2"
  const agent = createModelAgent(
    "ops",
    resolveModelAgent("test", {
      systemPrompt: "Be kind.",
      apiKey: secret,
      maxTurns: 3,
      tools: [tool({ name: "add", description: "Adds.", inputSchema: { type: "object" }, execute: () => 1 })],
      needsApproval: () => true,
      mcpServers: {
        local: { command: "server", args: ["--root", "/data", `--token=${secret}`], env: { TOKEN: secret } },
        remote: {
          type: "http",
          url: `https://user:${secret}@example.com/mcp?key=${secret}`,
          headers: { "x-key": secret },
        },
      },
    }),
  )
  const shown = showConfiguration(
    resolveOptions<SharedServerOptions, typeof sharedServerOptions>("test", sharedServerOptions, {
      validApiKeys: [secret],
      jwtSecret: secret,
      store: `postgres://user:${secret}@db/agents`,
      operatorKeys: [`${secret} of everyone`, { key: `${secret} of Ada`, name: "ada", scopes: ["read"] }],
      redact: ["iban"],
    }),
    [agent],
  )
  const text = JSON.stringify(shown)
  expect(text).not.toContain(secret)
  expect(shown).toMatchObject({
    server: { validApiKeys: "[redacted]", redact: ["iban"] },
    agents: {
      ops: {
        systemPrompt: "Be kind.",
        maxTurns: 3,
        tools: [{ name: "add", description: "Adds." }],
        needsApproval: "(function)",
        mcpServers: { local: { command: "server", env: { TOKEN: "[redacted]" } } },
      },
    },
  })
})

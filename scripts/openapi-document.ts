import { createAgent } from "../src/gateway/create-agent.ts"

/** Returns the document that a gateway with all features serves at `GET /openapi.json`, with its paths under `/api`. */
export async function openApiDocument(): Promise<unknown> {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const gateway = createAgent("You answer.", {
    provider: "demo",
    store: "memory",
    validApiKeys: ["unused"],
    logger: silent,
    memory: true,
    schedules: [],
    allowSchedules: true,
    subAgents: true,
    mcpServers: { unused: { url: "http://127.0.0.1:9/mcp" } },
    mcpOAuthRedirectUrl: "http://127.0.0.1/api/mcp/oauth/callback",
    secretsKey: "unused-unused-unused-unused-unused",
  })
  try {
    const response = await gateway.fetch(new Request("http://127.0.0.1/api/openapi.json"))
    if (!response.ok) throw new Error(`The gateway did not describe its API: ${await response.text()}`)
    return await response.json()
  } finally {
    await gateway.close()
  }
}

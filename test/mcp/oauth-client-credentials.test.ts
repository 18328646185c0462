import { expect, it, onTestFinished, vi } from "vitest"
import type { McpOAuthDefinition } from "../../src/features/mcp/config/definition.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { clientSecret, type GuardedServer, guardedServer } from "./support/guarded-server.ts"

/** Starts a gateway that the authorization server already knows. It needs no person and no redirect URL. */
function knownGateway({ url }: GuardedServer, oauth: McpOAuthDefinition = {}) {
  const warnings: string[] = []
  const agent = createAgent("x", {
    provider: scriptedProvider((request) =>
      request.messages.length > 1
        ? [{ type: "text", text: "done" }]
        : [{ type: "toolCall", name: "greet", input: {} }],
    ),
    mcpServers: {
      guarded: {
        url,
        oauth: { grant: "client_credentials", clientId: "gateway", clientSecret, ...oauth },
      },
    },
    logger: {
      debug() {},
      info() {},
      warn: (fields) => void warnings.push(JSON.stringify(fields)),
      error() {},
    },
    onToolResult: ({ result }) => void results.push(JSON.stringify(result)),
  })
  const results: string[] = []
  onTestFinished(() => agent.close({ graceMs: 0 }))
  const isReady = async () => {
    const response = await agent.fetch(new Request("http://gateway.test/api/ready"))
    const body = (await response.json()) as { checks: Record<string, { ok: boolean }> }
    return body.checks["mcp:guarded"]?.ok ?? false
  }
  return { agent, results, warnings, isReady }
}

async function serverThatKnowsSecrets(): Promise<GuardedServer> {
  const server = await guardedServer()
  const { metadata } = server
  server.metadata = (origin) => ({
    ...metadata(origin),
    grant_types_supported: ["client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_post"],
  })
  return server
}

it("authorizes itself with its own secret, and again after its tokens have expired", async () => {
  const server = await serverThatKnowsSecrets()
  const { agent, results, isReady } = knownGateway(server)
  await eventually("the server", async () => (await isReady()) || null)
  await agent.run("Greet.")
  server.expireTokens()
  await agent.run("Greet.")
  await vi.waitFor(() => expect(results).toHaveLength(2))
  expect(results.map((result) => result.includes("hello"))).toEqual([true, true])
  expect(server.secrets).toEqual([clientSecret, clientSecret])
})

it("authorizes itself if the issuer is the configured one", async () => {
  const server = await serverThatKnowsSecrets()
  const { isReady } = knownGateway(server, { issuer: new URL(server.url).origin })
  await eventually("the server", async () => (await isReady()) || null)
})

it("sends its secret only to the configured issuer, and logs the reason otherwise", async () => {
  const server = await serverThatKnowsSecrets()
  const { isReady, warnings } = knownGateway(server, { issuer: "https://login.example.com" })
  await eventually("the refusal", async () => {
    // The first check starts the gateway.
    expect(await isReady()).toBe(false)
    return warnings.some((warning) => warning.includes("login.example.com")) || null
  })
  expect(await isReady()).toBe(false)
  expect(server.secrets).toEqual([])
})

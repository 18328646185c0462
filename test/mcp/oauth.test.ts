import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it, onTestFinished, vi } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { McpOAuthDefinition } from "../../src/mcp/config/definition.ts"
import { findFreePort } from "../../src/testing/fixtures/free-port.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { guardedServer } from "./support/guarded-server.ts"

/** Starts the SDK's example of a server that requires authorization. */
async function protectedServer(): Promise<string> {
  const file = "../../node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js"
  const [port, authPort] = [await findFreePort(), await findFreePort()]
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), "--oauth"], {
    env: { ...process.env, MCP_PORT: String(port), MCP_AUTH_PORT: String(authPort) },
    stdio: "ignore",
  })
  const exited = once(child, "exit")
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await exited
  })
  const url = `http://localhost:${port}/mcp`
  await eventually("the server", () =>
    fetch(url).then(
      () => true,
      () => null,
    ),
  )
  return url
}

async function gateway(url: string, store: string, oauth: McpOAuthDefinition = {}) {
  const provider = scriptedProvider((request) =>
    request.messages.length > 1
      ? [{ type: "text", text: "done" }]
      : [{ type: "toolCall", name: "greet", input: { name: "Ada" } }],
  )
  const results: string[] = []
  const links: string[] = []
  const agent = createAgent("x", {
    provider,
    store,
    mcpServers: { guarded: { url, oauth } },
    mcpOAuthRedirectUrl: "http://gateway.test/api/mcp/oauth/callback",
    logger: {
      debug() {},
      info() {},
      warn: (fields) => void ("url" in fields && links.push(String(fields.url))),
      error() {},
    },
    onToolResult: ({ result }) => void results.push(JSON.stringify(result)),
  })
  onTestFinished(() => agent.close({ graceMs: 0 }))
  const check = async () => {
    const response = await agent.fetch(new Request("http://gateway.test/api/ready"))
    const body = (await response.json()) as { checks: Record<string, { ok: boolean; detail?: string }> }
    return body.checks["mcp:guarded"]
  }
  return { agent, results, links, check }
}

it("requires authorization, returns by the callback, and remembers it after a restart", async () => {
  const url = await protectedServer()
  const store = join(await temporaryFolder(), "data")
  const first = await gateway(url, store)
  await eventually("the need for authorization", async () =>
    (await first.check())?.detail === "needs_reauth" ? true : null,
  )
  const link = first.links[0] ?? ""
  const authorized = await fetch(link, { redirect: "manual" })
  const back = authorized.headers.get("location") ?? ""
  expect(back).toMatch(/^http:\/\/gateway\.test\/api\/mcp\/oauth\/callback\?/)
  const page = await first.agent.fetch(new Request(back))
  expect(await page.text()).toContain("guarded")
  expect(page.status).toBe(200)
  await eventually("the server", async () => (await first.check())?.ok || null)
  await first.agent.run("Greet.")
  await vi.waitFor(() => expect(first.results.join()).toContain("Hello, Ada"))

  // A link works only once.
  expect((await first.agent.fetch(new Request(back))).status).toBe(400)
  await first.agent.close({ graceMs: 0 })

  const files = readdirSync(store).filter((name) => name.includes("db"))
  expect(files).not.toEqual([])
  const stored = files.map((name) => readFileSync(join(store, name)).toString("latin1")).join()
  expect(stored).toContain("mcp:grant")
  expect(stored).not.toContain("access_token")
  const second = await gateway(url, store)
  await second.agent.run("Greet.")
  await vi.waitFor(() => expect(second.results.join()).toContain("Hello, Ada"))
  expect(second.links).toEqual([])
})

it("sends no token to another server that takes over the name later", async () => {
  const [former, later] = [await guardedServer(), await guardedServer()]
  // Servers from before RFC 9728 do not state the resource of their tokens.
  former.resource = () => {
    throw new Error("There is no such document.")
  }
  const store = join(await temporaryFolder(), "data")
  const client = { clientId: "known to both" }
  const first = await gateway(former.url, store, client)
  await first.agent.prepare()
  const link = await eventually("the link", () => first.links[0] ?? null)
  await first.agent.close({ graceMs: 0 })
  const second = await gateway(later.url, store, client)
  await second.agent.prepare()
  await eventually("the other server's link", () => second.links[0] ?? null)
  const back = (await fetch(link, { redirect: "manual" })).headers.get("location") ?? ""
  expect((await second.agent.fetch(new Request(back))).status).toBe(400)
  const issued = former.requests.filter(({ path }) => path === "/token")
  expect(issued).toEqual([])
  expect(later.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
})

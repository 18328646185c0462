import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it, onTestFinished, vi } from "vitest"
import type { McpOAuthDefinition } from "../../src/features/mcp/config/definition.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { findFreePort } from "../../src/testing/fixtures/free-port.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { openBrowser } from "../console/console-stage.ts"
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
  expect(page.status).toBe(200)
  expect(await page.text()).toMatch(/guarded.*all of its users/s)
  // Opening the page changes nothing.
  expect((await first.check())?.detail).toBe("needs_reauth")
  const confirmed = await first.agent.fetch(new Request(back, { method: "POST" }))
  expect(confirmed.status).toBe(200)
  expect(await confirmed.text()).toContain("may use guarded now")
  await eventually("the server", async () => (await first.check())?.ok || null)
  await first.agent.run("Greet.")
  await vi.waitFor(() => expect(first.results.join()).toContain("Hello, Ada"))

  // A link works only once.
  expect((await first.agent.fetch(new Request(back))).status).toBe(400)
  expect((await first.agent.fetch(new Request(back, { method: "POST" }))).status).toBe(400)
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
  for (const method of ["GET", "POST"])
    expect((await second.agent.fetch(new Request(back, { method }))).status).toBe(400)
  const issued = former.requests.filter(({ path }) => path === "/token")
  expect(issued).toEqual([])
  expect(later.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
})

/** A gateway with a server for each user. Its users sign in by cookie, as `session=NAME`. */
async function gatewayOfUsers(url: string, origin = "https://gateway.test") {
  const links: string[] = []
  const agent = createAgent("x", {
    provider: scriptedProvider(() => [{ type: "text", text: "done" }]),
    store: "memory",
    secretsKey: "k".repeat(32),
    authenticate: async ({ headers }) => {
      const [, userId] = /session=(\w+)/.exec(headers.get("cookie") ?? "") ?? []
      return userId === undefined ? null : { userId }
    },
    mcpServers: { guarded: { url, perUser: true } },
    publicUrl: origin,
    logger: {
      debug() {},
      info() {},
      warn: (fields) => void ("url" in fields && links.push(String(fields.url))),
      error() {},
    },
  })
  onTestFinished(() => agent.close({ graceMs: 0 }))
  /** Confirms on the page in the browser of this user. */
  const confirm = (back: string, cookie: string, from = origin) =>
    agent.fetch(new Request(back, { method: "POST", headers: { cookie, origin: from } }))
  return { agent, links, confirm }
}

it("stores the tokens of the user who requested the link, and of no other", async () => {
  const server = await guardedServer()
  const { agent, links, confirm } = await gatewayOfUsers(server.url)
  await agent.run("Greet.", { userId: "mallory" })
  const link = await eventually("the link", () => links[0] ?? null)
  // Mallory sends the link to Bob, who signs in with his own account.
  const back = (await fetch(link, { redirect: "manual" })).headers.get("location") ?? ""
  const page = await agent.fetch(new Request(back, { headers: { cookie: "session=bob" } }))
  expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'")
  expect(page.headers.get("referrer-policy")).toBe("strict-origin")
  expect(await page.text()).toMatch(/guarded.*the user <strong>mallory<\/strong>/s)
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ]
  expect(await codeOf(await confirm(back, "session=bob"))).toEqual([403, "wrong_user"])
  expect(await codeOf(await confirm(back, ""))).toEqual([401, "invalid_credentials"])
  expect(await codeOf(await confirm(back, "session=mallory", "https://evil.example"))).toEqual([
    403,
    "origin_not_allowed",
  ])
  expect(server.requests.filter(({ path }) => path === "/token")).toEqual([])
  // The link still works for Mallory.
  expect((await confirm(back, "session=mallory")).status).toBe(200)
  expect(server.requests.filter(({ path }) => path === "/token")).toHaveLength(1)
})

it("is confirmed in a browser, with a cookie that it sends only to its own site", async () => {
  const server = await guardedServer()
  const port = await findFreePort()
  const own = `http://127.0.0.1:${port}`
  const { agent, links } = await gatewayOfUsers(server.url, own)
  await agent.listen({ port })
  await agent.run("Greet.", { userId: "ada" })
  const link = await eventually("the link", () => links[0] ?? null)
  const browser = await openBrowser()
  const context = await browser.newContext()
  await context.addCookies([{ name: "session", value: "ada", url: own, sameSite: "Strict" }])
  const page = await context.newPage()
  // The authorization server is another site.
  await page.goto(link.replace("127.0.0.1", "localhost"))
  expect(await page.textContent("body")).toContain("ada")
  expect(server.requests.filter(({ path }) => path === "/token")).toEqual([])
  await page.click("button")
  await page.waitForFunction('document.body.textContent.includes("may use guarded now")')
  expect(server.requests.filter(({ path }) => path === "/token")).toHaveLength(1)
})

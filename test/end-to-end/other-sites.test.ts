import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { startCli } from "../cli-process.ts"
import { startGateway } from "./support/gateway-process.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const agent = fileURLToPath(new URL("../fixtures/agent.ts", import.meta.url))
const noModel = { url: "http://127.0.0.1:1" }

/**
 * Sends a request as a browser would for a page of another site, after the site's name was rebound to this machine.
 */
async function init(url: string, headers: Readonly<Record<string, string>>) {
  const sent = request(`${url}/api/chat/init`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
  })
  sent.end('{"api_key":"any"}')
  const [response] = (await once(sent, "response")) as [IncomingMessage]
  return { status: response.statusCode, body: JSON.parse(await text(response)) as Record<string, unknown> }
}

async function expectClosedToOtherSites(url: string): Promise<void> {
  const { port } = new URL(url)
  const rebound = { host: `evil.example:${port}`, origin: `http://evil.example:${port}` }
  expect(await init(url, rebound)).toMatchObject({ status: 421, body: { code: "host_not_allowed" } })
  const crossing = { origin: "https://evil.example" }
  expect(await init(url, crossing)).toMatchObject({ status: 403, body: { code: "origin_not_allowed" } })
  const own = await init(url, { host: `localhost:${port}`, origin: "http://localhost:5173" })
  expect(own).toMatchObject({ status: 200, body: { session_token: expect.any(String) } })
}

test("start without keys refuses pages of other sites", async () => {
  const { url } = await startGateway({ folder: await temporaryFolder(), model: noModel })
  await expectClosedToOtherSites(url)
})

test("dev refuses pages of other sites", async () => {
  const cli = startCli(["dev", agent, "--port", "0"], { cwd: await temporaryFolder() })
  const [, url = ""] = await cli.printed(/Listening on (http:\S+),/)
  await expectClosedToOtherSites(url)
})

test("a gateway whose users sign in by cookie serves its own pages only", async () => {
  const gateway = createAgent("You answer.", {
    store: "memory",
    authenticate: async () => ({ userId: "ada" }),
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url, port } = await gateway.listen({ port: 0 })
  const cookie = { cookie: "sid=1" }
  const rebound = { ...cookie, host: `evil.example:${port}`, origin: `http://evil.example:${port}` }
  expect(await init(url, rebound)).toMatchObject({ status: 421, body: { code: "host_not_allowed" } })
  for (const from of [{ origin: "https://evil.example" }, { origin: "null" }, {}]) {
    const refused = await init(url, { ...cookie, ...from })
    expect(refused).toMatchObject({ status: 403, body: { code: "origin_not_allowed" } })
  }
  expect(await init(url, { ...cookie, origin: url })).toMatchObject({ status: 200, body: { user_id: "ada" } })
})

test("the printed address works for an IPv4 address that is written as an IPv6 one", async () => {
  const env = { ANTHROPIC_API_KEY: "sk-test-key" }
  const args = ["start", agent, "--host", "::ffff:127.0.0.1", "--port", "0"]
  const cli = startCli(args, { cwd: await temporaryFolder(), env })
  const [, url = ""] = await cli.printed(/Listening on (http:\S+)/)
  expect((await fetch(`${url}/api/health`)).status).toBe(200)
})

test.each(["start", "dev"])(
  "%s without keys listens only on this machine, unless configured otherwise",
  async (command) => {
    const cwd = await temporaryFolder()
    const env = { ANTHROPIC_API_KEY: "sk-test-key" }
    const args = [command, agent, "--host", "0.0.0.0", "--port", "0"]
    const refused = startCli(args, { cwd, env })
    await refused.printed(/other machines can reach 0\.0\.0\.0.*validApiKeys.*--allow-any-key/)
    if (command === "start") expect(await refused.exited).toBe(1)
    else refused.signal("SIGTERM")
    const allowed = startCli([...args, "--allow-any-key"], { cwd, env })
    const [, port] = await allowed.printed(/Listening on http:\/\/0\.0\.0\.0:(\d+)/)
    expect((await fetch(`http://127.0.0.1:${port}/api/health`)).status).toBe(200)
  },
)

import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { sealSecrets } from "../../src/adapters/stores/sealed-secrets.ts"
import { openSqliteStore } from "../../src/adapters/stores/sqlite/open.ts"
import type { Secrets } from "../../src/core/ports/store/secrets.ts"
import type { ToolResult } from "../../src/core/ports/tools/tool.ts"
import { noTasks } from "../../src/core/runs/no-tasks.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import type { McpHttpServerDefinition } from "../../src/features/mcp/config/definition.ts"
import { toServerConfigs } from "../../src/features/mcp/config/server-config.ts"
import { createAuthorizations } from "../../src/features/mcp/oauth/authorizations.ts"
import { openGrantRecord } from "../../src/features/mcp/oauth/oauth-records.ts"
import { type McpServers, startMcpServers } from "../../src/features/mcp/servers.ts"
import { createSchemaChecker } from "../../src/kernel/tools/schema-check/schema-checker.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { patienceMs } from "../patience.ts"
import { type GuardedServer, guardedServer } from "./support/guarded-server.ts"

const principal = { tenant: "t", userId: "ada" }
const key = new Uint8Array(32).fill(7)

/** Opens the storage that processes share: a data directory that each process opens separately. */
async function openSecrets(path: string): Promise<Secrets> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const store = await openSqliteStore({ path, clock: systemClock, logger })
  onTestFinished(() => store.close())
  return sealSecrets(store.secrets, key)
}

/** Creates the MCP servers of one gateway, over a store that may be shared. */
function node(
  { url }: Pick<GuardedServer, "url">,
  secrets: Secrets,
  options: Omit<McpHttpServerDefinition, "url"> = {},
) {
  const links: string[] = []
  const logger = {
    debug() {},
    info() {},
    warn(fields: Readonly<Record<string, unknown>>) {
      if (typeof fields.url === "string") links.push(fields.url)
    },
    error() {},
  }
  const configs = toServerConfigs(
    { guarded: { ...options, url } },
    {
      defaultToolTimeoutMs: 20_000,
      timeoutOverrides: {},
      sessionInjectServers: [],
      stripInputFields: [],
      environment: {},
    },
  )
  const authorizations = createAuthorizations({
    configs,
    secrets,
    clock: systemClock,
    redirectUrl: "http://gateway.test/api/mcp/oauth/callback",
    clientName: "test",
    logger,
  })
  const servers = startMcpServers({
    configs,
    identity: { name: "test", version: "0" },
    logger,
    checkSchema: createSchemaChecker().check,
    authorize: authorizations.authorize,
  })
  onTestFinished(() => servers.close())
  const is = (status: string) =>
    eventually(`the server as ${status}`, () => servers.states().guarded?.status === status || null)
  /** Opens a link like a person, and follows the redirect to this node. */
  async function allow(link: string): Promise<string | null> {
    const response = await fetch(link, { redirect: "manual" })
    return authorizations.complete(new URL(response.headers.get("location") ?? "").searchParams)
  }
  const { complete } = authorizations
  return { configs, servers, links, is, allow, complete, call: (times = 1) => callTogether(servers, times) }
}

async function callTogether(servers: McpServers, times: number): Promise<readonly ToolResult[]> {
  const view = await servers.open(principal, {
    showStatus: () => {},
    signal: AbortSignal.timeout(patienceMs),
  })
  const [tool] = view.tools([])
  if (tool === undefined) throw new Error("The server has no tools.")
  const call = async () => {
    const outcome = await tool.execute(
      {},
      {
        signal: AbortSignal.timeout(patienceMs),
        session: { id: "sess_1", tenant: "test", userId: "ada", channel: null },
        context: {},
        runId: "run_1",
        toolCallId: "call_1",
        idempotencyKey: "call_1",
        traceparent: null,
        answered: null,
        tasks: noTasks,
        ask: () => Promise.reject(new Error("No one can be asked in this run.")),
        emit: () => undefined,
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      },
    )
    if (outcome.type === "wait" || outcome.type === "task") throw new Error("Nothing should be asked.")
    return outcome
  }
  return Promise.all(Array.from({ length: times }, call))
}

const greeting = { type: "content", content: [{ type: "text", text: "hello" }] }

/** Starts two authorized gateways on one data directory. */
async function twoNodes(server: GuardedServer) {
  const path = join(await temporaryFolder(), "data")
  const first = node(server, await openSecrets(path))
  await first.is("needs_reauth")
  expect(await first.allow(first.links[0] ?? "")).toBe("guarded")
  await first.is("ready")
  const second = node(server, await openSecrets(path))
  await second.is("ready")
  return { first, second }
}

it("refreshes once for all calls that are refused concurrently", async () => {
  const server = await guardedServer()
  const { first } = await twoNodes(server)
  server.expireTokens()
  expect(await first.call(8)).toEqual(Array(8).fill(greeting))
  expect(server).toMatchObject({ refreshes: 1, revoked: false })
})

it("refreshes once for all nodes that are refused concurrently", async () => {
  const server = await guardedServer()
  const { first, second } = await twoNodes(server)
  server.onRefresh = async () => {
    await delay(300)
    return "granted"
  }
  for (let round = 1; round <= 3; round++) {
    server.expireTokens()
    const results = await Promise.all([first.call(3), second.call(3)])
    expect(results.flat()).toEqual(Array(6).fill(greeting))
    expect(server).toMatchObject({ refreshes: round, revoked: false })
  }
})

it("refreshes in place of a process that died during a refresh, after its time", async () => {
  const server = await guardedServer()
  const path = join(await temporaryFolder(), "data")
  const secrets = await openSecrets(path)
  const only = node(server, secrets)
  await only.is("needs_reauth")
  expect(await only.allow(only.links[0] ?? "")).toBe("guarded")
  await only.is("ready")
  const until = Date.now() + 1_000
  const [config] = only.configs
  if (config === undefined) throw new Error("There is one server.")
  await openGrantRecord(secrets, config, null).update((grant) => ({
    ...grant,
    renewal: { id: "dead", until },
  }))
  server.expireTokens()
  expect(await only.call(2)).toEqual([greeting, greeting])
  expect(Date.now()).toBeGreaterThanOrEqual(until)
  expect(server).toMatchObject({ refreshes: 1, revoked: false })
})

it("asks no one while the authorization server does not respond, and continues when it does", async () => {
  const server = await guardedServer()
  const { first } = await twoNodes(server)
  server.onRefresh = async () => "unavailable"
  server.expireTokens()
  await expect(first.call()).rejects.toThrow()
  expect(first.servers.states().guarded?.status).not.toBe("needs_reauth")
  server.onRefresh = async () => "granted"
  expect(await first.call()).toEqual([greeting])
  expect(first.links).toHaveLength(1)
})

it("authorizes people through the links of nodes that started concurrently", async () => {
  const server = await guardedServer()
  const path = join(await temporaryFolder(), "data")
  const nodes = [node(server, await openSecrets(path)), node(server, await openSecrets(path))]
  for (const each of nodes) await each.is("needs_reauth")
  const [first, second] = nodes
  // Each browser returns to the other node.
  expect(await second?.allow(first?.links[0] ?? "")).toBe("guarded")
  expect(await first?.allow(second?.links[0] ?? "")).toBe("guarded")
  for (const each of nodes) await each.is("ready")
})

it("authorizes two people who return concurrently", async () => {
  const server = await guardedServer()
  const path = join(await temporaryFolder(), "data")
  const first = node(server, await openSecrets(path))
  await first.is("needs_reauth")
  const second = node(server, await openSecrets(path))
  await second.is("needs_reauth")
  const links = [first.links[0] ?? "", second.links[0] ?? ""]
  expect(await Promise.all(links.map((link) => first.allow(link)))).toEqual(["guarded", "guarded"])
})

it("uses a code once, even if a browser opens the same address several times at once", async () => {
  const server = await guardedServer()
  const path = join(await temporaryFolder(), "data")
  const nodes = [node(server, await openSecrets(path)), node(server, await openSecrets(path))] as const
  const [first, second] = nodes
  for (const each of nodes) await each.is("needs_reauth")
  const { headers } = await fetch(first.links[0] ?? "", { redirect: "manual" })
  const callback = new URL(headers.get("location") ?? "").searchParams
  const names = await Promise.all([first, second, first].map((each) => each.complete(callback)))
  expect(names.filter((name) => name !== null)).toEqual(["guarded"])
  expect(server.requests.filter(({ path }) => path === "/token")).toHaveLength(1)
  for (const each of nodes) await each.is("ready")
})

it("returns a working link after one that could not be created", async () => {
  const server = await guardedServer()
  const good = server.metadata
  server.metadata = (self) => ({ ...good(self), response_types_supported: ["token"] })
  const only = node(server, await openSecrets(join(await temporaryFolder(), "data")))
  await only.is("failed")
  server.metadata = good
  await only.is("needs_reauth")
  expect(await only.allow(only.links[0] ?? "")).toBe("guarded")
  await only.is("ready")
})

it("hides the server's own headers from the authorization server that it names", async () => {
  const [server, elsewhere] = [await guardedServer(), await guardedServer()]
  const origin = new URL(elsewhere.url).origin
  server.resource = (self) => ({ resource: `${self}/mcp`, authorization_servers: [origin] })
  const headers = { "X-Api-Key": "s3cret" }
  const only = node(server, await openSecrets(join(await temporaryFolder(), "data")), { headers })
  await only.is("needs_reauth")
  expect(server.requests.at(0)?.headers["x-api-key"]).toBe("s3cret")
  expect(elsewhere.requests.length).toBeGreaterThan(0)
  expect(JSON.stringify(elsewhere.requests)).not.toContain("s3cret")
})

it("reports over the older transport too that a person is needed, not that a call was interrupted", async () => {
  const server = await guardedServer()
  const secrets = await openSecrets(join(await temporaryFolder(), "data"))
  const only = node({ url: server.sseUrl }, secrets, { type: "sse" })
  server.resource = (self) => ({ resource: `${self}/sse`, authorization_servers: [self] })
  await only.is("needs_reauth")
  expect(await only.allow(only.links[0] ?? "")).toBe("guarded")
  await only.is("ready")
  expect(await only.call()).toEqual([greeting])
  server.expireTokens()
  server.onRefresh = async () => "refused"
  await expect(only.call()).rejects.toMatchObject({ code: "mcp_needs_reauth" })
})

it("uses another node's authorization, even if its store was unreachable for a while", async () => {
  const server = await guardedServer()
  const path = join(await temporaryFolder(), "data")
  const secrets = await openSecrets(path)
  let isReachable = true
  let refusals = 0
  const waiting = node(server, {
    ...secrets,
    async get(name) {
      if (isReachable) return secrets.get(name)
      refusals += 1
      throw new Error("The store is away.")
    },
  })
  await waiting.is("needs_reauth")
  isReachable = false
  const other = node(server, await openSecrets(path))
  await other.is("needs_reauth")
  expect(await other.allow(other.links[0] ?? "")).toBe("guarded")
  const former = refusals
  await eventually("a refused reading", () => (refusals > former ? true : null))
  isReachable = true
  await waiting.is("ready")
})

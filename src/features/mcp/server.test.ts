import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { describe, expect, it, onTestFinished } from "vitest"
import { findFreePort } from "../../testing/fixtures/free-port.ts"
import { toServerConfigs } from "./config/server-config.ts"
import { McpServer } from "./server.ts"

async function serverAt(
  type: "http" | "sse",
  listener: RequestListener,
  startTimeoutMs: number,
  { port }: { readonly port?: number } = {},
) {
  const http = createServer(listener).listen(0, "127.0.0.1")
  await once(http, "listening")
  const address = http.address()
  if (typeof address !== "object" || address === null) throw new Error("A listening server has a port.")
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  const [config] = toServerConfigs(
    { remote: { type, url: `http://127.0.0.1:${port ?? address.port}/`, startTimeoutMs } },
    {
      defaultToolTimeoutMs: 30_000,
      timeoutOverrides: {},
      sessionInjectServers: [],
      stripInputFields: [],
      environment: {},
    },
  )
  if (config === undefined) throw new Error("There is one server.")
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const server = new McpServer(config, {
    identity: { name: "test", version: "0" },
    logger,
    authorization: null,
  })
  onTestFinished(() => server.close())
  return server
}

const silent: RequestListener = () => undefined
const evasive: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" }).write(": wait\n\n")
}

describe.each([
  ["http", "answers nothing", silent],
  ["http", "answers without an end", evasive],
  ["sse", "answers nothing", silent],
  ["sse", "answers without an end", evasive],
] as const)("a server over %s that %s", (type, _what, listener) => {
  it("has failed after its time to start", async () => {
    const server = await serverAt(type, listener, 200)
    await server.settled()
    expect(server.state).toEqual({
      status: "failed",
      reason: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/: it did not start within 200 ms$/),
    })
  })

  it("is stopped at once while it starts", async () => {
    const server = await serverAt(type, listener, 60_000)
    await server.close()
    expect(server.state.status).toBe("stopped")
  })
})

it("reports where a missing server was looked for, and why it was not found", async () => {
  const port = await findFreePort()
  const server = await serverAt("http", silent, 10_000, { port })
  await server.settled()
  expect(server.state).toEqual({
    status: "failed",
    reason: `http://127.0.0.1:${port}/: connect ECONNREFUSED 127.0.0.1:${port}`,
  })
})

it("says what a program that is downloaded may lack, if its start takes too long", async () => {
  const args = ["-e", "setInterval(() => {}, 1000)"]
  const [config] = toServerConfigs(
    { local: { command: process.execPath, args, startTimeoutMs: 200 } },
    {
      defaultToolTimeoutMs: 30_000,
      timeoutOverrides: {},
      sessionInjectServers: [],
      stripInputFields: [],
      environment: {},
    },
  )
  if (config === undefined) throw new Error("There is one server.")
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const server = new McpServer(config, {
    identity: { name: "test", version: "0" },
    logger,
    authorization: null,
  })
  onTestFinished(() => server.close())
  await server.settled()
  expect(server.state).toEqual({
    status: "failed",
    reason: expect.stringMatching(
      /^it did not start within 200 ms\. .* raise startTimeoutMs\. .*HTTPS_PROXY/,
    ),
  })
})

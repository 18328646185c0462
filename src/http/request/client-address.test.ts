import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { createAdaptorServer } from "@hono/node-server"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { nativeRoutes } from "../../wires/native/native-routes.ts"
import { createHttpApp } from "../app.ts"
import { rememberRevocations } from "../auth/remember-revocations.ts"
import { createFakeKeyring } from "../fixtures/fake-keyring.ts"
import { createFakeRevocations } from "../fixtures/fake-revocations.ts"
import { FakeSessions } from "../fixtures/fake-sessions.ts"
import {
  createCollectingLogger,
  createJsonRequest,
  createTestApp,
  defaultHttpOptions,
  emptyDirectory,
} from "../fixtures/test-app.ts"

const answer = { tool_call_id: "call_1", nonce: "nonce_1", approved: true }
const socket = "10.0.0.9"

/** Resolves to the client address in the audit trail. */
async function addressOf(trustProxy: number, forwardedFor: string | null, from: string | undefined = socket) {
  const app = createTestApp({ trustProxy })
  const { headers } = await app.authorize()
  const more: Record<string, string> = forwardedFor === null ? {} : { "x-forwarded-for": forwardedFor }
  await app.fetch("/api/chat/tool-approval", createJsonRequest(answer, { ...headers, ...more }), from)
  return { address: app.sessions.answers[0]?.decidedBy.address, warnings: app.warnings }
}

describe("the client's address", () => {
  it("is the socket's, regardless of headers", async () => {
    expect((await addressOf(0, null)).address).toBe(socket)
    expect((await addressOf(0, "192.0.2.1")).address).toBe(socket)
  })

  it.each([
    [1, "192.0.2.1", "192.0.2.1"],
    [1, "203.0.113.66, 192.0.2.1", "192.0.2.1"],
    [2, "203.0.113.66, 192.0.2.1, 10.0.0.1", "192.0.2.1"],
    [3, "192.0.2.1", "192.0.2.1"],
    [1, " 2001:db8::1 ", "2001:db8::1"],
    [1, "192.0.2.1, unknown", socket],
    [1, "192.0.2.1:1234", socket],
    [1, "", socket],
    [1, "<script>", socket],
    [1, null, socket],
  ])("behind %i proxies, with %j, is %s", async (trustProxy, forwardedFor, address) => {
    expect((await addressOf(trustProxy, forwardedFor)).address).toBe(address)
  })

  it("is null if the server does not provide it", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    await app.fetch("/api/chat/tool-approval", createJsonRequest(answer, headers))
    expect(app.sessions.answers[0]?.decidedBy.address).toBeNull()
  })

  it("causes one warning when there seems to be a proxy that is not configured", async () => {
    const app = createTestApp()
    const { headers } = await app.authorize()
    for (let times = 0; times < 3; times++) {
      const forwarded = { ...headers, "x-forwarded-for": "192.0.2.1" }
      await app.fetch("/api/chat/tool-approval", createJsonRequest(answer, forwarded), socket)
    }
    expect(app.warnings).toEqual([{ fields: {}, message: expect.stringContaining("trustProxy") }])
    expect((await addressOf(1, "192.0.2.1")).warnings).toEqual([])
  })

  it.each([-1, 0.5, Number.NaN])("refuses to start with trustProxy %s", (trustProxy) => {
    expect(() => createTestApp({ trustProxy })).toThrow(/trustProxy/)
  })
})

describe("on a real server", () => {
  const sessions = new FakeSessions()
  const app = createHttpApp({
    parsedBytes: 48_000_000,
    ...defaultHttpOptions,
    sessions,
    observers: {},
    directory: emptyDirectory,
    agents: [{ name: "agent" }],
    wires: { builtIn: [nativeRoutes], custom: [] },
    keyring: createFakeKeyring(),
    revocations: rememberRevocations(createFakeRevocations()),
    storeId: async () => "store_1",
    clock: { now: () => Date.now() },
    logger: createCollectingLogger([]),
    version: "1",
    readiness: async () => ({ ready: true, checks: {} }),
    accepting: () => true,
    callbackTimeoutMs: 30_000,
  })
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false })
  let port = 0
  let token = ""

  beforeAll(async () => {
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    port = (server.address() as AddressInfo).port
    const response = await fetch(
      `http://127.0.0.1:${port}/api/chat/init`,
      createJsonRequest({ api_key: "key" }),
    )
    token = ((await response.json()) as { session_token: string }).session_token
  })
  afterAll(async () => {
    server.close()
    await once(server, "close")
  })

  it("the socket's address is recorded for the decision", async () => {
    const headers = { authorization: `Bearer ${token}` }
    const url = `http://127.0.0.1:${port}/api/chat/tool-approval`
    expect((await fetch(url, createJsonRequest(answer, headers))).status).toBe(200)
    expect(sessions.answers.at(-1)?.decidedBy.address).toBe("127.0.0.1")
  })

  it.each([
    ["one Authorization header", ["Bearer TOKEN"], 200],
    ["two Authorization headers, the first good", ["Bearer TOKEN", "Bearer bad"], 401],
    ["two Authorization headers, the last good", ["Bearer bad", "Bearer TOKEN"], 401],
    ["the same twice", ["Bearer TOKEN", "Bearer TOKEN"], 401],
  ])("%s", async (_, values, status) => {
    const connection = connect(port, "127.0.0.1")
    const lines = values.map((value) => `Authorization: ${value.replace("TOKEN", token)}\r\n`).join("")
    connection.write(`GET /api/chat/history HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`)
    expect(await text(connection)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

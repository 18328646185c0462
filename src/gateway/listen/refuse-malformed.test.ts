import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { afterEach, describe, expect, it, vi } from "vitest"
import { createTestApp } from "../../http/fixtures/test-app.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { type SharedServerOptions, sharedServerOptions } from "../options/gateway-options.ts"
import { defaultTimeLimits, type ListeningService, listen } from "./listen.ts"

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Serves requests by `fetch`, or by an app of the HTTP API. Slow requests are refused after 300 ms. */
async function start(given?: ListeningService["fetch"]) {
  const app = createTestApp({ validApiKeys: ["key"] })
  const handled: string[] = []
  const ignore = () => {}
  const errors: unknown[] = []
  const service: ListeningService = {
    async fetch(request, bindings = {}) {
      handled.push(request.url)
      return given === undefined ? app.handle(request, bindings) : given(request, bindings)
    },
    logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => void errors.push(fields) },
    takesAnyKey: false,
    warnOfKeys: ignore,
    console: null,
    onClose: ignore,
  }
  const limits = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 }
  const settings = resolveOptions<SharedServerOptions, typeof sharedServerOptions>(
    "test",
    sharedServerOptions,
    {},
  )
  const listener = await listen(service, settings, { port: 0 }, { ...defaultTimeLimits, ...limits })
  ends.push(() => listener.close())
  async function open(text: string): Promise<Socket> {
    const socket = connect(listener.port, "127.0.0.1")
    ends.push(() => socket.destroy())
    socket.on("error", ignore)
    await once(socket, "connect")
    socket.write(text)
    return socket
  }
  return { open, handled, errors, read: async (text: string) => readAll(await open(text)) }
}

async function readAll(socket: Socket): Promise<string> {
  let text = ""
  socket.setEncoding("utf8").on("data", (piece: string) => {
    text += piece
  })
  await once(socket, "close")
  return text
}

/** Returns the status and the code, after checking that this is a complete problem document with all headers. */
function summarize(response: string): string {
  const [head = "", body = ""] = response.split("\r\n\r\n")
  const [line = "", ...lines] = head.toLowerCase().split("\r\n")
  const headers = new Map(lines.map((each) => each.split(": ") as [string, string]))
  expect(headers.get("content-type")).toBe("application/problem+json")
  expect(headers.get("content-length")).toBe(String(Buffer.byteLength(body)))
  expect(headers.get("x-content-type-options")).toBe("nosniff")
  expect(headers.get("content-security-policy")).toContain("default-src 'none'")
  expect(headers.get("cache-control")).toBe("no-store")
  expect(headers.get("connection")).toBe("close")
  const { code, status, type, detail } = JSON.parse(body)
  expect(line).toMatch(new RegExp(`^http/1.1 ${status} [a-z ]+$`))
  expect(type).toBe(`urn:ai-agent-gateway:problem:${code}`)
  expect(detail).toMatch(/\.$/)
  return `${status} ${code}`
}

const health = (...lines: string[]) =>
  `GET /api/health HTTP/1.1\r\n${[...lines, "connection: close"].join("\r\n")}\r\n\r\n`

describe("a request that Node refuses gets a problem", () => {
  it.each([
    ["bytes that are not HTTP", "hello\r\n\r\n", "400 malformed_request"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 malformed_request"],
    ["an unknown method", "BREW / HTTP/1.1\r\nhost: a\r\n\r\n", "400 malformed_request"],
    ["an invalid header", health("host: a", "a b: c"), "400 malformed_request"],
    ["two lengths", health("host: a", "content-length: 1", "content-length: 2"), "400 malformed_request"],
    [
      "a length and chunks",
      health("host: a", "content-length: 1", "transfer-encoding: chunked"),
      "400 malformed_request",
    ],
    ["large headers", health("host: a", `x: ${"a".repeat(20_000)}`), "431 headers_too_large"],
    ["very large headers", health("host: a", `x: ${"a".repeat(3_000_000)}`), "431 headers_too_large"],
    ["no host", health(), "400 malformed_request"],
    ["no host, in HTTP/1.0", "GET /api/health HTTP/1.0\r\n\r\n", "400 malformed_request"],
    ["two hosts", health("host: a", "host: b"), "400 malformed_request"],
    ["the same host twice", health("Host: a", "HOST: a"), "400 malformed_request"],
    [
      "a second host after hundreds of headers",
      health("host: a", ...Array(500).fill("a:"), "host: b"),
      "400 malformed_request",
    ],
    ["an unknown expectation", health("host: a", "expect: coffee"), "417 expectation_failed"],
  ])("%s", async (_, request, expected) => {
    const { read, handled, errors } = await start()
    expect(summarize(await read(request))).toBe(expected)
    expect([handled, errors]).toEqual([[], []])
  })

  it.each([
    ["an invalid host", health("host: a b")],
    ["a host with a user", health("host: user@a")],
    ["an invalid URL", "GET http://[ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"],
  ])("%s", async (_, request) => {
    const { read, handled, errors } = await start()
    expect(summarize(await read(request))).toBe("400 malformed_request")
    expect([handled, errors]).toEqual([[], []])
  })

  it.each([
    ["headers", "GET / HTTP/1.1\r\n"],
    [
      "a body",
      "POST /api/chat/init HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    ],
  ])("%s that arrive too slowly", async (_, request) => {
    const { read } = await start()
    expect(summarize(await read(request))).toBe("408 request_timeout")
  })

  it("an invalid chunk of a body", async () => {
    const { open } = await start()
    const socket = await open(
      "POST /api/chat/init HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
    )
    const read = readAll(socket)
    await delay(20)
    socket.write("no length\r\n")
    expect(summarize(await read)).toBe("400 malformed_request")
  })

  it("a failed handler", async () => {
    const { read, errors } = await start(() => Promise.reject(new Error("secret")))
    const response = await read(health("host: a"))
    expect(response).toContain('"code":"internal_error"')
    expect(response).not.toContain("secret")
    expect(errors).toHaveLength(1)
  })
})

it("a request with one host is served", async () => {
  const { read } = await start()
  for (const host of ["a", "a:80", "[::1]:80", "127.0.0.1"])
    expect(await read(health(`host: ${host}`))).toMatch(/^HTTP\/1.1 200 OK\r\n/)
})

it("bytes that are not HTTP never end up in a response that has begun", async () => {
  const { open } = await start(
    async () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([65])) })),
  )
  const socket = await open("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
  let text = ""
  socket.on("data", (piece) => {
    text += String(piece)
  })
  await vi.waitFor(() => expect(text).toContain("A"))
  socket.write("hello\r\n\r\n")
  await once(socket, "close")
  expect(text).not.toContain("problem")
})

it("a client that sends on and on after its refusal loses the connection", async () => {
  const { open } = await start()
  const socket = await open("hello\r\n\r\n")
  const sending = setInterval(() => socket.write("x".repeat(10_000)), 5)
  ends.push(() => clearInterval(sending))
  expect(summarize(await readAll(socket))).toBe("400 malformed_request")
})

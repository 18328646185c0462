import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, it, vi } from "vitest"
import { createText } from "../../http/fixtures/entries.ts"
import { createTestApp } from "../../http/fixtures/test-app.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import type { ListenOptions } from "../gateway.ts"
import { type SharedServerOptions, sharedServerOptions } from "../options/gateway-options.ts"
import { defaultTimeLimits, type ListeningService, listen, type TimeLimits } from "./listen.ts"

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function serviceThat(fetch: ListeningService["fetch"], takesAnyKey = false) {
  const warnings: string[] = []
  const warnOfKeys = vi.fn()
  const ignore = () => {}
  const warn = (_fields: object, message: string) => void warnings.push(message)
  const logger = { debug: ignore, info: ignore, warn, error: ignore }
  const service: ListeningService = { fetch, logger, takesAnyKey, warnOfKeys, console: null, onClose: ignore }
  return { service, warnings, warnOfKeys }
}

const answers = () => new Response("ok")
/** Short limits, because the tests wait for them. */
const timeLimits = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 60_000,
  timeout: 300,
  connectionsCheckingInterval: 1_000,
}

async function start(
  service: ListeningService,
  settings: SharedServerOptions = {},
  options: ListenOptions = {},
  limits: TimeLimits = timeLimits,
): Promise<{ readonly url: string; open(request?: string): Promise<Socket> }> {
  const resolved = resolveOptions("test", sharedServerOptions, settings)
  const listener = await listen(service, resolved, { port: 0, ...options }, limits)
  ends.push(() => listener.close())
  return {
    url: listener.url,
    async open(request = "") {
      const socket = connect(listener.port, "127.0.0.1")
      ends.push(() => socket.destroy())
      socket.on("error", () => {})
      await once(socket, "connect")
      socket.write(request)
      return socket
    },
  }
}

const get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"

describe("a gateway that accepts any key", () => {
  it.each(["0.0.0.0", "::", ""])("refuses to listen on %j, and explains the remedy", async (host) => {
    const { service } = serviceThat(answers, true)
    await expect(start(service, {}, { host })).rejects.toThrow(/validApiKeys.*127\.0\.0\.1.*--allow-any-key/)
  })

  it.each([
    [{ allowAnyKey: true }, {}],
    [{}, { allowAnyKey: true }],
  ])("listens there if configured: %j %j", async (settings, options) => {
    const { service, warnOfKeys } = serviceThat(answers, true)
    const { url } = await start(service, settings, { host: "0.0.0.0", ...options })
    expect((await fetch(url)).status).toBe(200)
    expect(warnOfKeys).toHaveBeenCalledOnce()
  })

  it.each(["127.0.0.1", "localhost", "127.0.0.2"])("listens on %s", async (host) => {
    const { service } = serviceThat(answers, true)
    expect((await fetch((await start(service, {}, { host })).url)).status).toBe(200)
  })
})

it("listens on any address with keys", async () => {
  const { service, warnOfKeys } = serviceThat(answers)
  await start(service, {}, { host: "0.0.0.0" })
  expect(warnOfKeys).toHaveBeenCalledOnce()
})

it("warns of keys on the loopback interface, unless its caller allows any key there", async () => {
  const { service, warnOfKeys } = serviceThat(answers, true)
  await start(service, {}, { allowAnyKey: true })
  expect(warnOfKeys).not.toHaveBeenCalled()
  await start(service)
  expect(warnOfKeys).toHaveBeenCalledOnce()
})

it("tells the app the addresses on which it listens", async () => {
  const seen: unknown[] = []
  const { service } = serviceThat((_request, bindings) => {
    seen.push(Object(bindings).ownServer.reach)
    return answers()
  })
  await fetch((await start(service)).url)
  await fetch((await start(service, {}, { host: "0.0.0.0" })).url)
  expect(seen).toEqual(["loopback", "network"])
})

it("keeps idle connections for longer than a proxy does, and says so", async () => {
  const { url } = await start(serviceThat(answers).service, {}, {}, defaultTimeLimits)
  const { headers } = await fetch(url)
  expect(headers.get("keep-alive")).toBe("timeout=75")
})

describe("a client that does not read", () => {
  /** An endless stream that records its cancellation. */
  function endless() {
    const cancelled = Promise.withResolvers<void>()
    let sent = 0
    const chunk = new Uint8Array(65_536)
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += chunk.byteLength
          controller.enqueue(chunk)
        },
        cancel: () => cancelled.resolve(),
      })
    return { cancelled: cancelled.promise, sent: () => sent, body }
  }

  it("loses its connection", async () => {
    const stream = endless()
    const { open } = await start(serviceThat(() => new Response(stream.body())).service)
    const socket = await open()
    socket.pause()
    socket.write(get)
    await stream.cancelled
    expect(stream.sent()).toBeGreaterThan(0)
  })

  it("of events loses it too, whatever heartbeats are due", async () => {
    const app = createTestApp({ heartbeatMs: 50 })
    const { headers } = await app.authorize()
    const { open } = await start(
      serviceThat((request, bindings = {}) => app.handle(request, bindings)).service,
    )
    const socket = await open()
    socket.pause()
    const body = '{"message":"hi"}'
    const lines = Object.entries({ host: "localhost", "content-length": body.length, ...headers })
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    socket.write(`POST /api/chat HTTP/1.1\r\n${head}\r\n${body}`)
    await vi.waitFor(() => expect(app.sessions.openViews).toBe(1))
    // More bytes than the system buffers for a client that does not read.
    for (let count = 0; count < 40; count++) app.sessions.publish(createText("x".repeat(1_000_000)))
    await vi.waitFor(() => expect(app.sessions.openViews).toBe(0))
    expect(app.sessions.taken).toBeLessThan(40)
    expect(app.errors).toEqual([])
  })

  it("keeps it as long as it reads from time to time", async () => {
    const stream = endless()
    const { open } = await start(serviceThat(() => new Response(stream.body())).service)
    const socket = await open(get)
    let read = 0
    socket.on("data", (bytes: Buffer) => {
      read += bytes.byteLength
      socket.pause()
    })
    const reading = setInterval(() => socket.resume(), 20)
    ends.push(() => clearInterval(reading))
    const until = performance.now() + 4 * timeLimits.timeout
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(until))
    const before = read
    await vi.waitFor(() => expect(read).toBeGreaterThan(before + 1_000_000))
    expect(socket.destroyed).toBe(false)
  })
})

describe("a request that arrives late", () => {
  const limits = {
    headersTimeout: 400,
    requestTimeout: 400,
    keepAliveTimeout: 60_000,
    timeout: 60_000,
    connectionsCheckingInterval: 50,
  }

  /** Blocks the event loop for longer than the limits. */
  function stall(): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  }

  it("is refused with status 408 if the client was slow", async () => {
    const { open } = await start(serviceThat(answers).service, {}, {}, limits)
    const [bytes] = await once(await open("GET / HTTP/1.1\r\n"), "data")
    expect(String(bytes)).toContain("408 Request Timeout")
  })

  it("is answered if the process was stalled while the headers were under way", async () => {
    let late: Socket | null = null
    const { service } = serviceThat(() => {
      late?.write(get)
      stall()
      return new Response("ok")
    })
    const { open } = await start(service, {}, {}, limits)
    late = await open()
    const answered = once(late, "data")
    // The server has accepted the first connection when it handles a request of the second one.
    await open(get)
    expect(String((await answered)[0])).toContain("200 OK")
  })

  it("is answered if the process was stalled while the body was under way", async () => {
    let socket: Socket | null = null
    const { service } = serviceThat(async (request) => {
      socket?.write("body")
      stall()
      return new Response(await request.text())
    })
    const { open } = await start(service, {}, {}, limits)
    socket = await open()
    const answered = once(socket, "data")
    socket.write("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n")
    expect(String((await answered)[0])).toContain("200 OK")
  })
})

describe("connections of one network address", () => {
  const limits = { connectionsPerAddress: 2 }

  it("have a maximum number, and further ones are closed", async () => {
    const { service, warnings } = serviceThat(answers)
    const { open } = await start(service, { limits })
    const [first] = [await open(), await open()]
    for (let count = 0; count < 2; count++) await once(await open(get), "close")
    expect(warnings).toEqual([expect.stringContaining("too many open connections")])
    first?.destroy()
    const answered = await vi.waitFor(async () => {
      const socket = await open(get)
      const [bytes] = await Promise.race([once(socket, "data"), once(socket, "close")])
      expect(Buffer.isBuffer(bytes)).toBe(true)
      return String(bytes)
    })
    expect(answered).toContain("200 OK")
  })

  it("are not counted behind a proxy", async () => {
    const { open } = await start(serviceThat(answers).service, { limits, trustProxy: 1 })
    for (let count = 0; count < 4; count++) await open()
    const [bytes] = await once(await open(get), "data")
    expect(String(bytes)).toContain("200 OK")
  })
})

describe("a client that does not wait for responses", () => {
  async function startCounting() {
    let asked = 0
    const { service } = serviceThat(() => {
      asked++
      return new Response("ok")
    })
    return { ...(await start(service)), asked: () => asked }
  }

  async function read(socket: Socket, responses: number): Promise<string> {
    let received = ""
    socket.on("data", (bytes) => {
      received += String(bytes)
    })
    await vi.waitFor(() => expect(received.split("200 OK").length - 1).toBe(responses))
    return received
  }

  it("loses its connection if it sends many requests while few are handled", async () => {
    const { open, asked } = await startCounting()
    const socket = await open(get.repeat(2_000))
    socket.resume()
    // The connection may close with or without an error. Requests that have arrived by then are not read.
    await new Promise((resolve) => socket.once("close", resolve))
    expect(asked()).toBe(8)
  })

  it("may send a few requests", async () => {
    const { open } = await startCounting()
    await read(await open(get.repeat(8)), 8)
  })

  it("may send more requests after responses have arrived", async () => {
    const { open } = await startCounting()
    const socket = await open(get.repeat(8))
    await read(socket, 8)
    socket.write(get.repeat(8))
    await read(socket, 8)
  })
})

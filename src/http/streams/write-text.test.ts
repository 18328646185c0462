import { once } from "node:events"
import { Agent, createServer, get, type IncomingMessage, type RequestListener } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { text as readText } from "node:stream/consumers"
import { expect, it, onTestFinished } from "vitest"
import { joinWrites, needsDrain, onceDrained, startText, writeText } from "./write-text.ts"

const headers = { "content-type": "text/plain" }
/** Texts whose lengths in characters and in bytes differ. */
const parts = ["a", "äöü", "一二三四五六七八九十", "😀".repeat(5_000), `"quoted"\r\n0\r\n\r\n`]

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, "listening")
  return (server.address() as AddressInfo).port
}

async function open(port: number, request: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1")
  onTestFinished(() => void socket.destroy())
  await once(socket, "connect")
  socket.write(request)
  return socket
}

it("frames parts of any characters, and leaves the connection to the next response", async () => {
  const port = await serve((_request, outgoing) => {
    startText(outgoing, 200, headers)
    for (const part of parts) writeText(outgoing, part)
    // An empty chunk would end the response.
    expect(writeText(outgoing, "")).toBe(true)
    joinWrites(outgoing)
    writeText(outgoing, "last")
    outgoing.end()
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const ports = new Set<number | undefined>()
  for (let times = 0; times < 3; times++) {
    const [response] = (await once(get({ port, host: "127.0.0.1", agent }), "response")) as [IncomingMessage]
    ports.add(response.socket.localPort)
    expect(response.headers).toMatchObject({ ...headers, "transfer-encoding": "chunked" })
    expect(await readText(response)).toBe(`${parts.join("")}last`)
  }
  expect(ports.size).toBe(1)
})

it("sends no chunks to a client of HTTP/1.0", async () => {
  const port = await serve((_request, outgoing) => {
    startText(outgoing, 200, headers)
    for (const part of parts) writeText(outgoing, part)
    outgoing.end()
  })
  const received = await readText(await open(port, "GET / HTTP/1.0\r\n\r\n"))
  expect(received.toLowerCase()).not.toContain("transfer-encoding")
  expect(received.slice(received.indexOf("\r\n\r\n") + 4)).toBe(parts.join(""))
})

it("writes a pipelined response after the one before it", async () => {
  const first = Promise.withResolvers<void>()
  const port = await serve(async (request, outgoing) => {
    startText(outgoing, 200, headers)
    writeText(outgoing, `${request.url} begins. `)
    if (request.url === "/first") await first.promise
    else first.resolve()
    writeText(outgoing, `${request.url} ends.`)
    outgoing.end()
  })
  const end = "GET /second HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
  const received = await readText(await open(port, `GET /first HTTP/1.1\r\nhost: a\r\n\r\n${end}`))
  expect(received.match(/\/\w+ (begins|ends)/g)).toEqual([
    "/first begins",
    "/first ends",
    "/second begins",
    "/second ends",
  ])
})

it("reports a full connection, and calls back when the client has read", async () => {
  const large = "x".repeat(1_000_000)
  const full = Promise.withResolvers<number>()
  const port = await serve((_request, outgoing) => {
    startText(outgoing, 200, headers)
    let written = 1
    while (writeText(outgoing, large)) written++
    expect(needsDrain(outgoing)).toBe(true)
    full.resolve(written)
    onceDrained(outgoing, () => {
      expect(needsDrain(outgoing)).toBe(false)
      writeText(outgoing, "drained")
      outgoing.end()
    })
  })
  const [response] = (await once(get({ port, host: "127.0.0.1" }), "response")) as [IncomingMessage]
  const written = await full.promise
  const received = await readText(response)
  expect(received.length).toBe(written * large.length + "drained".length)
  expect(received.endsWith("drained")).toBe(true)
})

it("writes to a client that has gone without an error", async () => {
  const done = Promise.withResolvers<void>()
  const port = await serve((request, outgoing) => {
    startText(outgoing, 200, headers)
    writeText(outgoing, "begins")
    request.socket.on("close", () => {
      writeText(outgoing, "goes on")
      outgoing.end()
      done.resolve()
    })
  })
  const socket = await open(port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n")
  await once(socket, "data")
  socket.resetAndDestroy()
  await done.promise
})

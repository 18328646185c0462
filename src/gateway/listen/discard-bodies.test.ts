import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { expect, it, onTestFinished } from "vitest"
import { discardBodies } from "./discard-bodies.ts"

const megabyte = 1024 * 1024
const refuse: RequestListener = (_incoming, outgoing) => {
  outgoing.writeHead(413).end("too large")
}

async function serve(listener: RequestListener) {
  const server = createServer(discardBodies(listener)).listen(0, "127.0.0.1")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  server.on("connection", (socket: Socket) => sockets.push(socket))
  return {
    /** The server's sockets of the connections. */
    sockets,
    open() {
      const socket = connect(port, "127.0.0.1")
      onTestFinished(() => void socket.destroy())
      // The connection may be reset.
      socket.on("error", () => {})
      return socket
    },
  }
}

function post(bytes: number): Buffer {
  const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${bytes}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, "x")])
}

async function read(socket: Socket, expected: string, times = 1): Promise<string> {
  let text = ""
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.split(expected).length > times) return text
  }
  return text
}

it("answers the next request on a connection whose large body was refused", async () => {
  const { open } = await serve(refuse)
  const socket = open()
  socket.write(post(4 * megabyte))
  await read(socket, "too large")
  socket.write(post(4 * megabyte))
  expect(await read(socket, "too large")).toContain("413")
})

it("reads one piece in each turn of the event loop, with any number of refused bodies", async () => {
  const { open, sockets } = await serve(refuse)
  const bytesRead = () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0)
  let most = 0
  let before = 0
  const clients = Array.from({ length: 8 }, open)
  const answers = clients.map((socket) => read(socket, "too large"))
  for (const socket of clients) socket.write(post(4 * megabyte))
  while (bytesRead() < 32 * megabyte) {
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, bytesRead() - before)
    before = bytesRead()
  }
  expect((await Promise.all(answers)).every((answer) => answer.includes("413"))).toBe(true)
  // A piece at the start of each connection is read before the response. Node would read 2 MiB of each.
  expect(most).toBeLessThanOrEqual(2 * megabyte)
})

it("closes the connection of a body that is too long", async () => {
  const { open, sockets } = await serve(refuse)
  const socket = open()
  const event = (name: string) => new Promise<void>((resolve) => socket.once(name, () => resolve()))
  const closed = event("close")
  const piece = Buffer.alloc(megabyte, "x")
  socket.write(`POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${1_000 * megabyte}\r\n\r\n`)
  socket.resume()
  let isClosed = false
  void closed.then(() => {
    isClosed = true
  })
  while (!isClosed) {
    if (!socket.write(piece)) await Promise.race([event("drain"), closed])
  }
  expect(sockets[0]?.bytesRead).toBeLessThan(64 * megabyte)
})

it("does not touch bodies that were read", async () => {
  let received = 0
  const { open } = await serve(async (incoming, outgoing) => {
    for await (const piece of incoming) received += piece.length
    outgoing.end("read")
  })
  const socket = open()
  socket.write(post(megabyte))
  expect(await read(socket, "read")).toContain("200 OK")
  expect(received).toBe(megabyte)
})

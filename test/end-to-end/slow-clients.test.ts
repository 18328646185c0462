import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { says } from "./support/model.ts"
import { sharedGateway } from "./support/shared-gateway.ts"

const serve = sharedGateway()
const connections = 200

let sockets: Socket[] = []
let dripping: NodeJS.Timeout | undefined
afterEach(() => {
  clearInterval(dripping)
  for (const socket of sockets) socket.destroy()
  sockets = []
})

/** Opens many connections. Each starts a request and then sends a small piece of it from time to time. */
async function attack(url: string, start: string, drip: string): Promise<Promise<unknown>[]> {
  const { hostname, port } = new URL(url)
  const closed: Promise<unknown>[] = []
  for (let count = 0; count < connections; count++) {
    const socket = connect(Number(port), hostname)
    // The gateway is expected to close the connection, with a reset if the client was just sending.
    socket.on("error", () => undefined).resume()
    closed.push(new Promise((resolve) => socket.on("close", resolve)))
    sockets.push(socket)
  }
  await Promise.all(sockets.map((socket) => once(socket, "connect")))
  for (const socket of sockets) socket.write(start)
  dripping = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(drip)
  }, 500)
  return closed
}

describe("200 connections that send", () => {
  test.each([
    ["their headers slowly", "POST /api/chat HTTP/1.1\r\nhost: gateway\r\n", "x-more: 1\r\n"],
    [
      "their body slowly",
      "POST /api/chat/init HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: 30000\r\n\r\n{",
      " ",
    ],
  ])("%s are closed in time, and the gateway keeps responding", async (_, start, drip) => {
    const { gateway, session } = await serve([says("Still here.")])
    const closed = await attack(gateway.url, start, drip)
    expect((await fetch(`${gateway.url}/api/health`)).status).toBe(200)
    const answer = await (await session.chat("Hi")).rest()
    expect(answer.at(-1)?.event).toMatchObject({ type: "stream_complete" })
    await Promise.all(closed)
    expect((await fetch(`${gateway.url}/api/health`)).status).toBe(200)
  })
})

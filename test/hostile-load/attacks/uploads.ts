import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import type { Attack, AttackContext } from "./attack.ts"

const half = Buffer.alloc(2 * 1024 * 1024, "x")

async function begin({ url, own }: AttackContext, path: string, length: number): Promise<Socket> {
  const { hostname, port, host } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on("error", () => {})
  await once(socket, "connect")
  socket.write(
    `POST /api/${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${own.token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n{"message":"`,
  )
  return socket
}

/** Sends a byte from time to time until the gateway closes the connection. */
async function sendSlowly(context: AttackContext, path: string, length: number): Promise<string> {
  const socket = await begin(context, path, length)
  const closed = once(socket, "close")
  while (!socket.destroyed) {
    socket.write("x")
    await Promise.race([closed, delay(2_000)])
  }
  return "closed"
}

async function abortHalfway(context: AttackContext): Promise<string> {
  const socket = await begin(context, "chat", 4 * 1024 * 1024)
  if (!socket.write(half)) await Promise.race([once(socket, "drain"), once(socket, "close"), delay(1_000)])
  socket.destroy()
  return "aborted"
}

export const uploads: readonly Attack[] = [
  {
    name: "slow upload without a token",
    places: 250,
    ownSession: false,
    attack: (context) => sendSlowly(context, "chat/init", 32_000),
  },
  {
    name: "slow upload of 4 MiB",
    places: 6,
    ownSession: false,
    attack: (context) => sendSlowly(context, "chat", 4 * 1024 * 1024),
  },
  { name: "aborted upload of 2 MiB", places: 2, ownSession: false, attack: abortHalfway },
]

import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import type { SessionAccess } from "../support/open-session.ts"
import { send } from "../support/send.ts"
import type { Attack, AttackContext } from "./attack.ts"

function tokenOf(sessions: readonly SessionAccess[], place: number): string {
  return sessions[place % sessions.length]?.token ?? ""
}

async function get({ url, agent }: AttackContext, path: string, token: string): Promise<number> {
  return (await send({ url: `${url}/api/chat/${path}`, token, agent })).status
}

/** Opens a stream and stops reading for longer than the gateway allows. */
async function neverRead(context: AttackContext): Promise<string> {
  const { hostname, port, host } = new URL(context.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on("error", () => {})
  const path = context.place % 2 === 0 ? "subscribe?after_seq=0" : "history"
  socket.write(
    `GET /api/chat/${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${tokenOf(context.long, context.place)}\r\n\r\n`,
  )
  socket.pause()
  await Promise.race([once(socket, "close"), delay(70_000)])
  socket.destroy()
  return "closed"
}

export const reading: readonly Attack[] = [
  {
    name: "history of a long session",
    places: 8,
    ownSession: false,
    attack: (context) => get(context, "history", tokenOf(context.long, context.place)),
  },
  {
    name: "history of a large session",
    places: 8,
    ownSession: false,
    attack: (context) => get(context, "history", tokenOf(context.large, context.place)),
  },
  {
    name: "replay of a long session",
    places: 60,
    ownSession: false,
    attack: (context) => get(context, "subscribe?after_seq=0", tokenOf(context.long, context.place)),
  },
  { name: "streams never read", places: 150, ownSession: false, attack: neverRead },
]

import type { RequestListener } from "node:http"
import type { Socket } from "node:net"

/** Browsers and common clients wait for each response before they send the next request. */
const maxUnanswered = 8

/**
 * Destroys a connection with too many requests that have no complete response. Node reads up to 64 KiB at once and
 * handles all requests in it in one turn of the event loop, so thousands of them would block every other client.
 */
export function limitPipelining(listener: RequestListener): RequestListener {
  const unansweredOf = new WeakMap<Socket, number>()

  return (incoming, outgoing) => {
    const { socket } = incoming
    // Ignores further requests that Node has read from the connection.
    if (socket.destroyed) return
    const unanswered = unansweredOf.get(socket) ?? 0
    if (unanswered >= maxUnanswered) {
      socket.destroy()
      return
    }
    unansweredOf.set(socket, unanswered + 1)
    outgoing.on("close", () => unansweredOf.set(socket, (unansweredOf.get(socket) ?? 1) - 1))
    listener(incoming, outgoing)
  }
}

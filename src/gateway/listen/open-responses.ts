import type { RequestListener, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** The responses of a server that are not complete, by connection. */
export interface OpenResponses {
  of(socket: Socket): ReadonlySet<ServerResponse>
  /** Registers each response before the listener receives it. */
  track(listener: RequestListener): RequestListener
}

const none: ReadonlySet<ServerResponse> = new Set()

export function createOpenResponses(): OpenResponses {
  const openOf = new WeakMap<Socket, Set<ServerResponse>>()
  return {
    of: (socket) => openOf.get(socket) ?? none,
    track: (listener) => (incoming, outgoing) => {
      const { socket } = incoming
      const open = openOf.get(socket) ?? new Set()
      openOf.set(socket, open.add(outgoing))
      outgoing.on("close", () => open.delete(outgoing))
      listener(incoming, outgoing)
    },
  }
}

import type { Server } from "node:http"
import type { Logger } from "../../core/ports/logger.ts"
import { computeNetwork } from "../../http/limits/network.ts"

/** Closes new connections from a network address that has `max` open ones. Logs the first closed connection. */
export function limitConnections(server: Server, max: number, logger: Logger): void {
  const openOf = new Map<string, number>()
  let warned = false

  server.on("connection", (socket) => {
    // If it is undefined, the client has already disconnected.
    const network = computeNetwork(socket.remoteAddress ?? "")
    const open = openOf.get(network) ?? 0
    if (open >= max) {
      socket.destroy()
      if (!warned) {
        logger.warn(
          { network, connectionsPerAddress: max },
          "A network address has too many open connections, so new ones from it are closed. " +
            "Behind a proxy, set trustProxy; otherwise raise limits.connectionsPerAddress if the " +
            "clients are legitimate.",
        )
      }
      warned = true
      return
    }
    openOf.set(network, open + 1)
    socket.on("close", () => {
      const left = (openOf.get(network) ?? 1) - 1
      if (left > 0) openOf.set(network, left)
      else openOf.delete(network)
    })
  })
}

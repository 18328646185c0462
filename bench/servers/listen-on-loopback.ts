import { once } from "node:events"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/**
 * Listens on a port that the system chooses. The backlog has room for all streams that a measurement starts at once.
 */
export async function listenOnLoopback(
  server: Server,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 })
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

import cluster from "node:cluster"
import { once } from "node:events"
import type { Server as HttpServer } from "node:http"
import { createServer, type ListenOptions, type Server } from "node:net"

export interface Address {
  /** 0 lets the system choose. */
  readonly port: number
  readonly host: string
}

/**
 * Sockets that listen on one address. Their queues of new connections are filled in equal parts. The first requests
 * of as many connections take one turn of the event loop about 20 ms, so more sockets would hold up the clients that
 * have connections.
 */
const socketCount = 32

/**
 * Lets an HTTP server listen on an address. Resolves to all servers that have to be closed for it.
 *
 * In each turn of the event loop, Node accepts one connection of each listening socket (libuv since version 1.45). One
 * socket would make a client wait for as many turns as there are connections before its own: 13 seconds behind 260 of
 * them, while the turns took 50 ms. So there are several sockets, where the system divides connections between them.
 */
export async function openSockets(server: HttpServer, { port, host }: Address): Promise<readonly Server[]> {
  if (!dividesConnections()) {
    await listening(server, { port, host })
    return [server]
  }
  // Sockets that share an address do not fail if another process of this user shares it too.
  if (port !== 0) await assertFree({ port, host })
  await listening(server, { port, host, reusePort: true })
  const servers: Server[] = [server]
  try {
    while (servers.length < socketCount) {
      const another = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        server.emit("connection", socket)
      })
      servers.push(another)
      await listening(another, { port: portOf(server), host, reusePort: true })
    }
    return servers
  } catch (error) {
    for (const each of servers) each.close()
    throw error
  }
}

/** Only Linux is sure to divide them evenly. In a cluster, the primary process gives each worker its connections. */
function dividesConnections(): boolean {
  return process.platform === "linux" && !cluster.isWorker
}

async function assertFree(address: Address): Promise<void> {
  const server = createServer()
  await listening(server, address)
  const closed = once(server, "close")
  server.close()
  await closed
}

/** Rejects if the address is in use or not allowed. */
async function listening(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options)
  await once(server, "listening")
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address === "object" && address !== null) return address.port
  throw new Error("The server has no port.")
}

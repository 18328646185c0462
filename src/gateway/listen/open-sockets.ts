import cluster from "node:cluster"
import { once } from "node:events"
import type { Server as HttpServer } from "node:http"
import { createServer, type ListenOptions, type Server } from "node:net"

export interface Address {
  /** With 0, the system chooses a port. */
  readonly port: number
  readonly host: string
}

/**
 * Number of sockets that listen on one address. Connections are distributed evenly over their queues. The first
 * requests of this number of connections take one turn of the event loop about 20 ms, so more sockets would delay the
 * clients that are already connected.
 */
const socketCount = 32

/**
 * Lets an HTTP server listen on an address. Resolves to all servers that must be closed for it.
 *
 * In each turn of the event loop, Node accepts one connection of each listening socket (libuv since version 1.45).
 * With one socket, a client would wait for as many turns as there are connections before its own: 13 seconds behind
 * 260 of them, while the turns took 50 ms. Therefore there are several sockets on systems that distribute connections
 * over them.
 */
export async function openSockets(server: HttpServer, { port, host }: Address): Promise<readonly Server[]> {
  if (!dividesConnections()) {
    await listenOn(server, { port, host })
    return [server]
  }
  // With a shared port, listening succeeds even if another process of this user already uses the address.
  if (port !== 0) await assertFree({ port, host })
  await listenOn(server, { port, host, reusePort: true })
  const servers: Server[] = [server]
  try {
    while (servers.length < socketCount) {
      const another = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        server.emit("connection", socket)
      })
      servers.push(another)
      await listenOn(another, { port: readPort(server), host, reusePort: true })
    }
    return servers
  } catch (error) {
    for (const each of servers) each.close()
    throw error
  }
}

/**
 * Returns true if the system distributes connections evenly, which only Linux guarantees. In a cluster, the primary
 * process gives each worker its connections.
 */
function dividesConnections(): boolean {
  return process.platform === "linux" && !cluster.isWorker
}

async function assertFree(address: Address): Promise<void> {
  const server = createServer()
  await listenOn(server, address)
  const closed = once(server, "close")
  server.close()
  await closed
}

/** Rejects if the address is in use or not allowed. */
async function listenOn(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options)
  await once(server, "listening")
}

function readPort(server: Server): number {
  const address = server.address()
  if (typeof address === "object" && address !== null) return address.port
  throw new Error("The server has no port.")
}

import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A load balancer. Each connection goes to one of its nodes, in turns. */
export interface Front {
  readonly url: string
  add(node: { readonly url: string }): void
  /** New connections no longer go to this node. */
  remove(node: { readonly url: string }): void
  close(): void
}

export async function openFront(): Promise<Front> {
  const ports: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const port = ports.shift()
    if (port === undefined) return near.destroy()
    ports.push(port)
    const far = connect(Number(port), "127.0.0.1")
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const portOf = (node: { readonly url: string }) => new URL(node.url).port
  return {
    url: `http://127.0.0.1:${port}`,
    add: (node) => void ports.push(portOf(node)),
    remove: (node) => void ports.splice(ports.indexOf(portOf(node)), 1),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

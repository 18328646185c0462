import { once } from "node:events"
import { type Server, ServerResponse } from "node:http"
import { createAdaptorServer } from "@hono/node-server"
import type { Listener, ListenOptions } from "./gateway.ts"
import type { Service } from "./service.ts"

/**
 * Limits on what a client may take its time with, in milliseconds: sending the headers, sending the whole request, and
 * doing nothing on an open connection. Answers may take as long as they do. Looked at once a second.
 */
const timeLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
}
const maxHeaderBytes = 16 * 1024
/** How long connections may take to finish once their streams have ended. */
const closeMs = 2_000
const idleCheckMs = 20

/** Serves the gateway on Node's HTTP server. */
export async function listen(service: Service, options: ListenOptions): Promise<Listener> {
  const { port = 8000, host = "127.0.0.1", signal } = options
  signal?.throwIfAborted()
  const server = createAdaptorServer({
    fetch(request, { incoming, outgoing }) {
      const ownServer = outgoing instanceof ServerResponse ? { response: outgoing } : undefined
      return service.fetch(request, { incoming, ownServer })
    },
    overrideGlobalObjects: false,
    serverOptions: { ...timeLimits, maxHeaderSize: maxHeaderBytes },
  }) as Server
  server.listen(port, host)
  // Rejects with what `error` brings: an address in use, one that is not allowed.
  await once(server, "listening")
  if (signal?.aborted === true) {
    server.close()
    throw signal.reason
  }
  if (service.takesAnyKey) service.logger.warn({}, "any API key is accepted: set validApiKeys")
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= closeServer(server)
    return closing
  }
  service.onClose(close)
  signal?.addEventListener("abort", close, { once: true })
  const address = server.address()
  const bound = typeof address === "object" && address !== null ? address.port : port
  const name = host.includes(":") ? `[${host}]` : host
  return { url: `http://${name}:${bound}`, port: bound, close }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close")
  server.close()
  // A connection is idle only once its last answer has gone out.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs)
  const timer = setTimeout(() => server.closeAllConnections(), closeMs)
  await closed
  clearInterval(idle)
  clearTimeout(timer)
}

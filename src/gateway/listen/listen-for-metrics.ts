import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { ConfigurationError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { isLoopbackAddress, isLoopbackName } from "../../http/middleware/host-guard.ts"
import { metricsType } from "../../http/operate/metrics-route.ts"
import { formatListenerUrl } from "./listener-url.ts"

export interface MetricsListener {
  readonly port: number
  readonly host: string
  readonly read: () => Promise<string>
  readonly logger: Logger
}

/** Serves `GET /metrics` without a key on an address of its own. Resolves to a function that closes the server. */
export async function listenForMetrics(options: MetricsListener): Promise<() => Promise<void>> {
  const { port, host, logger } = options
  const server = createMetricsServer(options)
  server.listen({ port, host })
  try {
    await once(server, "listening")
  } catch (error) {
    throw new ConfigurationError(
      `metricsPort: the gateway cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : error}. ` +
        "Choose another port or metricsHost. Each process of a machine needs a port of its own.",
    )
  }
  const bound = server.address()
  const address = typeof bound === "object" && bound !== null ? bound : { address: host, port }
  const url = `${formatListenerUrl({ host, ...address })}/metrics`
  logger.info({ url }, "Metrics are served without a key.")
  return async () => {
    const closed = once(server, "close")
    server.close()
    server.closeAllConnections()
    await closed
  }
}

function createMetricsServer({ read, logger }: MetricsListener): Server {
  return createServer(async (request, response) => {
    const respond = (status: number, type: string, text: string) =>
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text)
    // A page in a browser could otherwise read the metrics of its visitor's machine under a name of its own.
    const isLocal = isLoopbackAddress(request.socket.localAddress ?? "")
    if (isLocal && !isLoopbackName(readHostName(request.headers.host)))
      return respond(421, "text/plain", "This host is not served.\n")
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      return respond(404, "text/plain", "This server has only GET /metrics.\n")
    }
    try {
      respond(200, metricsType, await read())
    } catch (error) {
      logger.error({ error }, "The metrics could not be read.")
      respond(500, "text/plain", "The metrics could not be read.\n")
    }
  })
}

/** Returns the name in a `Host` header. Empty if it has none. */
function readHostName(host: string | undefined): string {
  const url = `http://${host}`
  return URL.canParse(url) ? new URL(url).hostname : ""
}

import { lookup } from "node:dns/promises"
import { once } from "node:events"
import { createServer, type Server, ServerResponse } from "node:http"
import type { Server as SocketServer } from "node:net"
import { getRequestListener } from "@hono/node-server"
import { ConfigurationError } from "../../core/errors.ts"
import { isLoopbackAddress, type Reach } from "../../http/middleware/host-guard.ts"
import { sendDirectly } from "../../http/streams/send-directly.ts"
import type { Listener, ListenOptions } from "../gateway.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import type { Service } from "../service/service.ts"
import { discardBodies } from "./discard-bodies.ts"
import { limitConnections } from "./limit-connections.ts"
import { limitPipelining } from "./limit-pipelining.ts"
import { formatListenerUrl } from "./listener-url.ts"
import { createOpenResponses } from "./open-responses.ts"
import { openSockets } from "./open-sockets.ts"
import { createErrorHandler, refuseMalformed, requireOneHost } from "./refuse-malformed.ts"
import { createStallClock } from "./stall-clock.ts"

/** Time limits for a client in milliseconds. The server checks them once a second. */
export interface TimeLimits {
  /** Maximum time to send the headers. Time in which this process was stalled does not count. */
  readonly headersTimeout: number
  /** Maximum time to send the whole request. Time in which this process was stalled does not count. */
  readonly requestTimeout: number
  /**
   * Maximum time to send the next request on an open connection. It is longer than the time for which proxies keep
   * their idle connections, usually 60 seconds: otherwise a proxy could send a request on a connection that is being
   * closed, and respond with 502.
   */
  readonly keepAliveTimeout: number
  /**
   * Time without a byte in either direction after which the connection is destroyed, because a client that does not
   * read must not hold a response forever. Streams send a heartbeat every 15 seconds.
   */
  readonly timeout: number
  readonly connectionsCheckingInterval: number
}

export const defaultTimeLimits: TimeLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 75_000,
  timeout: 60_000,
  connectionsCheckingInterval: 1_000,
}
const maxHeaderBytes = 16 * 1024
/** Milliseconds for connections to finish after their streams have ended. */
const closeMs = 2_000
const idleCheckMs = 20

/** The part of a service that a listener needs. */
export type ListeningService = Pick<
  Service,
  "fetch" | "logger" | "onClose" | "takesAnyKey" | "warnOfKeys" | "console"
>

/** Serves the gateway on Node's HTTP server. */
export async function listen(
  service: ListeningService,
  settings: ResolvedServer,
  options: ListenOptions,
  timeLimits: TimeLimits = defaultTimeLimits,
): Promise<Listener> {
  const { port = 8000, host = "127.0.0.1", signal } = options
  signal?.throwIfAborted()
  const { address: bindAddress } = await lookup(host === "" ? "0.0.0.0" : host)
  const reach = isLoopbackAddress(bindAddress) ? "loopback" : "network"
  requireKeys(service, reach, host, options.allowAnyKey ?? settings.allowAnyKey)
  const server = createHttpServer(service, reach, timeLimits)
  const { connectionsPerAddress } = settings.limits
  // Behind a proxy, all connections come from the proxy.
  if (settings.trustProxy === 0) limitConnections(server, connectionsPerAddress, service.logger)
  const servers = await openSockets(server, { port, host: bindAddress })
  if (signal?.aborted === true) {
    for (const each of servers) each.close()
    throw signal.reason
  }
  // A caller that allows any key on the loopback interface has chosen that, so no warning is needed.
  if (reach === "network" || options.allowAnyKey !== true) service.warnOfKeys()
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= closeServer(server, servers)
    return closing
  }
  service.onClose(close)
  signal?.addEventListener("abort", close, { once: true })
  const address = server.address()
  const bound = typeof address === "object" && address !== null ? address.port : port
  const url = formatListenerUrl({ host, address: bindAddress, port: bound })
  const isUsable = service.console === "operator" || (service.console === "loopback" && reach === "loopback")
  const apiUrl = settings.prefix === "/" ? url : `${url}${settings.prefix}`
  return { url, apiUrl, port: bound, consoleUrl: isUsable ? `${url}/console/` : null, close }
}

function createHttpServer(service: ListeningService, reach: Reach, timeLimits: TimeLimits): Server {
  const { timeout, ...serverOptions } = timeLimits
  const listener = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const ownServer = outgoing instanceof ServerResponse ? { response: outgoing, reach } : undefined
      const response = await service.fetch(request, { incoming, ownServer })
      return ownServer === undefined ? response : sendDirectly(response, ownServer.response)
    },
    {
      overrideGlobalObjects: false,
      autoCleanupIncoming: false,
      errorHandler: createErrorHandler(service.logger),
    },
  )
  const responses = createOpenResponses()
  const server = createServer(
    { ...serverOptions, maxHeaderSize: maxHeaderBytes, requireHostHeader: false },
    limitPipelining(requireOneHost(discardBodies(listener)), responses),
  )
  refuseMalformed(server, responses)
  excludeStalls(server, timeLimits)
  return server.setTimeout(timeout)
}

/** Node's server reads its two limits at each check of its connections. */
function excludeStalls(
  server: Server,
  { headersTimeout, requestTimeout, connectionsCheckingInterval }: TimeLimits,
): void {
  const clock = createStallClock(connectionsCheckingInterval, Math.max(headersTimeout, requestTimeout))
  Object.defineProperties(server, {
    headersTimeout: { get: () => clock.extend(headersTimeout) },
    requestTimeout: { get: () => clock.extend(requestTimeout) },
  })
  server.on("close", clock.stop)
}

function requireKeys(
  { takesAnyKey }: ListeningService,
  reach: Reach,
  host: string,
  allowAnyKey: boolean,
): void {
  if (!takesAnyKey || reach === "loopback" || allowAnyKey) return
  throw new ConfigurationError(
    `listen: other machines can reach ${host}, and any API key is accepted, so anyone there could ` +
      "use this agent. Set validApiKeys or authenticate, or listen on 127.0.0.1. If something in " +
      "front of the gateway authenticates, start it with --allow-any-key (in code: allowAnyKey: true).",
  )
}

async function closeServer(server: Server, servers: readonly SocketServer[]): Promise<void> {
  const closed = Promise.all(servers.map((each) => once(each, "close")))
  for (const each of servers) each.close()
  // A connection is idle only after its last response was sent.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs)
  const timer = setTimeout(() => server.closeAllConnections(), closeMs)
  await closed
  clearInterval(idle)
  clearTimeout(timer)
}

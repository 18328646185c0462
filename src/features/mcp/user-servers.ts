import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { McpServer, ServerHandle } from "./server.ts"
import type { Principal } from "./servers.ts"

/** One server for each user. It is stopped after a time without use. */
export interface UserServers {
  /**
   * Returns the user's own server. Starts it if it does not run, and again when it is used after a stop. Throws a
   * `GatewayError` (`mcp_unavailable`) if there are too many. Its calls reject in the same case.
   */
  open(principal: Principal): ServerHandle
  close(): Promise<void>
}

export interface UserServersOptions {
  readonly name: string
  readonly idleMs: number
  readonly max: number
  readonly logger: Logger
}

interface UserServer {
  readonly server: McpServer
  timer: NodeJS.Timeout
}

export function createUserServers(
  start: (principal: Principal) => McpServer,
  { name, idleMs, max, logger }: UserServersOptions,
): UserServers {
  // The order is that of their last use, the oldest first.
  const servers = new Map<string, UserServer>()
  const stopping = new Set<Promise<void>>()
  let closed = false

  function stop(key: string): void {
    const own = servers.get(key)
    if (own === undefined) return
    servers.delete(key)
    clearTimeout(own.timer)
    const closing = own.server.close().finally(() => stopping.delete(closing))
    stopping.add(closing)
  }

  function stopIfIdle(key: string): void {
    const own = servers.get(key)
    if (own === undefined) return
    if (own.server.busy) own.timer = schedule(key)
    else {
      logger.info({ server: name }, "An idle MCP server of a user is stopped.")
      stop(key)
    }
  }

  function schedule(key: string): NodeJS.Timeout {
    return setTimeout(() => stopIfIdle(key), idleMs).unref()
  }

  function makeRoom(): void {
    if (servers.size < max) return
    const idle = [...servers].find(([, { server }]) => !server.busy)
    if (idle === undefined)
      throw createUnavailable(`Too many users use the server ${name} now. Try again later.`)
    stop(idle[0])
  }

  function use(principal: Principal): McpServer {
    if (closed) throw createUnavailable(`The server ${name} is stopped.`)
    const key = JSON.stringify([principal.tenant, principal.userId])
    const known = servers.get(key)
    if (known === undefined) makeRoom()
    else {
      clearTimeout(known.timer)
      servers.delete(key)
    }
    const server = known?.server ?? start(principal)
    servers.set(key, { server, timer: schedule(key) })
    return server
  }

  return {
    open(principal) {
      // Its tools stay known while it is stopped.
      let server = use(principal)
      const current = () => {
        server = use(principal)
        return server
      }
      return {
        config: server.config,
        get state() {
          return server.state
        },
        get tools() {
          return server.tools
        },
        get instructions() {
          return server.instructions
        },
        settled: () => server.settled(),
        call: async (...call) => current().call(...call),
        use: async (work, signal) => current().use(work, signal),
      }
    },
    async close() {
      closed = true
      for (const key of [...servers.keys()]) stop(key)
      await Promise.all(stopping)
    },
  }
}

function createUnavailable(message: string): GatewayError {
  return new GatewayError({ code: "mcp_unavailable", status: 503, retryable: true }, message)
}

import type { Logger } from "../../core/ports/logger.ts"
import type { ToolSource } from "../../core/ports/plugin.ts"
import type { SchemaCheck } from "../../core/ports/tools/schema-check.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { awaitStarts, type Waiting } from "./await-starts.ts"
import { closeSession } from "./close-session.ts"
import type { ServerConfig } from "./config/server-config.ts"
import type { ClientIdentity } from "./connection.ts"
import { createNamespaces } from "./names/namespaces.ts"
import { type Authorization, McpServer, type McpServerState, type ServerHandle } from "./server.ts"
import { truncateText } from "./short-text.ts"
import { createToolList } from "./tools/tool-list.ts"
import { createUserServers, type UserServers } from "./user-servers.ts"

/** Maximum characters of a server's instructions in the system prompt. */
const maxInstructions = 10_000

export interface McpServersOptions {
  readonly configs: readonly ServerConfig[]
  readonly identity: ClientIdentity
  readonly logger: Logger
  /** Checks the inputs and results of the servers' tools. */
  readonly checkSchema: SchemaCheck
  /**
   * Returns the authorization of a server. Null for servers without OAuth. `principal` is null for a server that all
   * users share.
   */
  readonly authorize: (config: ServerConfig, principal: Principal | null) => Authorization | null
}

/** The owner of a server. */
export interface Principal {
  readonly tenant: string
  readonly userId: string
}

/** All MCP servers of a gateway. They start at once, are kept running, and stop together. */
export interface McpServers {
  /**
   * Returns the servers for a run of this principal. Waits for each starting server, for at most its
   * `startTimeoutMs`. A server that fails is left out. Without a principal, returns only the shared servers. A server
   * that is not offered joins the run once `isOffered` returns true for it.
   */
  open(principal: Principal | null, options: OpenOptions): Promise<McpView>
  /** Returns the states of the shared servers, by name. */
  states(): Readonly<Record<string, McpServerState>>
  /** Describes all servers with their tools, in the order of the configuration. */
  sources(): readonly ToolSource[]
  /** Ends a removed session at the shared servers. */
  closeSession(sessionId: string, signal: AbortSignal): Promise<void>
  /** Resolves when all servers are completely stopped. Never rejects. */
  close(): Promise<void>
}

export interface OpenOptions extends Waiting {
  /** Returns true if the run has the server. Default: it has all of them. */
  readonly isOffered?: (server: string) => boolean
}

export interface McpView {
  /**
   * Returns the current tools of the servers, under names that are not in `taken`, the agent's own names. Returns the
   * same array while nothing has changed.
   */
  tools(taken: readonly string[]): readonly Tool[]
  /**
   * Returns the instructions of the servers that have the option, each under its name, and the addresses at which
   * users must authorize the gateway.
   */
  instructions(): readonly string[]
}

/** Starts the servers. Throws a `ConfigurationError` if names of servers are too similar. */
export function startMcpServers(options: McpServersOptions): McpServers {
  const { configs, identity, logger, checkSchema, authorize } = options
  const namespaces = createNamespaces(configs.map(({ name }) => name))
  const start = (config: ServerConfig, principal: Principal | null) =>
    new McpServer(config, { identity, logger, authorization: authorize(config, principal) })
  const shared = new Map<string, McpServer>()
  const own = new Map<string, UserServers>()
  for (const config of configs) {
    const { name, perUser } = config
    if (perUser === null) shared.set(name, start(config, null))
    else
      own.set(
        name,
        createUserServers((principal) => start(config, principal), { ...perUser, name, logger }),
      )
  }

  function listOwnServers(name: string, principal: Principal): readonly ServerHandle[] {
    try {
      const server = own.get(name)?.open(principal)
      return server === undefined ? [] : [server]
    } catch (error) {
      logger.warn(
        { server: name, error },
        "A user's MCP server is not available. The run continues without its tools.",
      )
      return []
    }
  }

  return {
    async open(principal, { isOffered = () => true, ...waiting }) {
      const opened = new Map<string, readonly ServerHandle[]>()
      const openServer = (name: string) => {
        const server = shared.get(name)
        if (server !== undefined) return [server]
        return principal === null || principal.userId === "" ? [] : listOwnServers(name, principal)
      }
      // The order is that of the configuration, for shared and other servers alike.
      const listServers = () =>
        configs.flatMap(({ name }) => {
          if (!opened.has(name) && isOffered(name)) opened.set(name, openServer(name))
          return opened.get(name) ?? []
        })
      let servers = listServers()
      await awaitStarts(servers, waiting)
      let list = createToolList(servers, { logger, checkSchema, namespaces })
      return {
        tools(taken) {
          const current = listServers()
          // Servers are only added.
          if (current.length > servers.length) {
            servers = current
            list = createToolList(servers, { logger, checkSchema, namespaces })
          }
          return list.tools(taken)
        },
        instructions: () => servers.flatMap((server) => formatInstructions(server)),
      }
    },
    states: () => Object.fromEntries([...shared].map(([name, server]) => [name, server.state])),
    sources: () =>
      configs.map((config) => {
        const server = shared.get(config.name)
        return server === undefined ? toSourceOfUsers(config) : toSource(server)
      }),
    closeSession: (sessionId, signal) => closeSession([...shared.values()], sessionId, { signal, logger }),
    async close() {
      const closing = [...shared.values(), ...own.values()].map((server) => server.close())
      for (const result of await Promise.allSettled(closing)) {
        if (result.status === "rejected")
          logger.error({ error: result.reason }, "An MCP server did not stop.")
      }
    },
  }
}

function toSource({ config, state, tools }: ServerHandle): ToolSource {
  const { name, transport, isEnabled } = config
  return {
    name,
    transport: transport.type,
    state: state.status,
    detail: state.status === "failed" ? state.reason : state.status === "needs_reauth" ? state.url : null,
    tools: tools.map((tool) => ({
      name: tool.name,
      description: tool.description ?? tool.title ?? "",
      isEnabled: isEnabled(tool.name),
    })),
  }
}

/** Each user has a server of their own, with tools that may differ. */
function toSourceOfUsers({ name, transport }: ServerConfig): ToolSource {
  return { name, transport: transport.type, state: "per_user", detail: null, tools: [] }
}

function formatInstructions({ config, instructions, state }: ServerHandle): readonly string[] {
  if (config.perUser !== null && state.status === "needs_reauth" && state.url !== null) {
    return [
      `The tools of ${config.name} are available after the user has opened this link and allowed access: ${state.url}`,
    ]
  }
  if (!config.instructions || instructions === null) return []
  return [
    `How to use the tools of ${config.name}, in its own words:\n${truncateText(instructions, maxInstructions)}`,
  ]
}

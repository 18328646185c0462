import type { Logger } from "../core/ports/logger.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { ServerConfig } from "./config/server-config.ts"
import type { ClientIdentity } from "./connection.ts"
import { namespacesOf } from "./names/namespaces.ts"
import { type Authorization, McpServer, type McpServerState, type ServerHandle } from "./server.ts"
import { shortText } from "./short-text.ts"
import { createToolList } from "./tools/tool-list.ts"
import { createUserServers, type UserServers } from "./user-servers.ts"

/** Characters of a server's instructions in the system prompt. */
const maxInstructions = 10_000

export interface McpServersOptions {
  readonly configs: readonly ServerConfig[]
  readonly identity: ClientIdentity
  readonly logger: Logger
  /** Checks what the servers' tools take and give. */
  readonly checkSchema: SchemaCheck
  /** Null for servers that want no OAuth. `principal` is null for a server that all users share. */
  readonly authorize: (config: ServerConfig, principal: Principal | null) => Authorization | null
}

/** The owner of a server. */
export interface Principal {
  readonly tenant: string
  readonly userId: string
}

/** All MCP servers of a gateway: started at once, kept alive, and stopped together. */
export interface McpServers {
  /**
   * The servers as one run of this principal sees them. Waits for those that start, each for no longer than its
   * `startTimeoutMs`; one that fails is only missing. Without a principal, only the shared servers.
   */
  open(principal: Principal | null): Promise<McpView>
  /** Returns the states of the shared servers, by name. */
  states(): Readonly<Record<string, McpServerState>>
  /** Resolves when nothing is left of any of them; never rejects. */
  close(): Promise<void>
}

export interface McpView {
  /**
   * Returns the tools that the servers offer at this moment, under names that are free beside `taken`, the agent's
   * own. The same array as before while nothing has changed.
   */
  tools(taken: readonly string[]): readonly Tool[]
  /**
   * Returns the instructions of the servers that may give some, each under its name, and the places where users have
   * to authorize the gateway.
   */
  instructions(): readonly string[]
}

/** Throws a `ConfigurationError` for servers whose names are too much alike. */
export function startMcpServers(options: McpServersOptions): McpServers {
  const { configs, identity, logger, checkSchema, authorize } = options
  const namespaces = namespacesOf(configs.map(({ name }) => name))
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

  function ownOf(name: string, principal: Principal): readonly ServerHandle[] {
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
    async open(principal) {
      // In the order of the configuration, whosever they are.
      const servers = configs.flatMap(
        ({ name }) => shared.get(name) ?? (principal === null ? [] : ownOf(name, principal)),
      )
      await Promise.all(servers.map((server) => server.settled()))
      const list = createToolList(servers, { logger, checkSchema, namespaces })
      return {
        tools: (taken) => list.tools(taken),
        instructions: () => servers.flatMap((server) => instructionsOf(server)),
      }
    },
    states: () => Object.fromEntries([...shared].map(([name, server]) => [name, server.state])),
    async close() {
      const closing = [...shared.values(), ...own.values()].map((server) => server.close())
      for (const result of await Promise.allSettled(closing)) {
        if (result.status === "rejected")
          logger.error({ error: result.reason }, "An MCP server did not stop.")
      }
    },
  }
}

function instructionsOf({ config, instructions, state }: ServerHandle): readonly string[] {
  if (config.perUser !== null && state.status === "needs_reauth" && state.url !== null) {
    return [
      `The tools of ${config.name} are available after the user has opened this link and allowed access: ${state.url}`,
    ]
  }
  if (!config.instructions || instructions === null) return []
  return [
    `How to use the tools of ${config.name}, in its own words:\n${shortText(instructions, maxInstructions)}`,
  ]
}

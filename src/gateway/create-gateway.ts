import { ConfigurationError } from "../core/errors.ts"
import {
  type AgentDefinition,
  createModelAgent,
  createRuntimeAgent,
  type ModelAgentOptions,
} from "./agent/agent-definition.ts"
import { assembleGateway } from "./assemble-gateway.ts"
import { type RuntimeAgentOptions, requireKnownUsers } from "./create-gateway-app.ts"
import type { Gateway } from "./gateway.ts"
import { resolveGateway, resolveModelAgent, resolveRuntimeAgent } from "./options/agent-options.ts"
import type { SharedServerOptions } from "./options/gateway-options.ts"

export interface GatewayOptions extends SharedServerOptions {
  /**
   * Agents by name. The name is stored with sessions, and it is a path segment: 1 to 64 letters, digits, dots, dashes
   * and underscores. Agents share only the server. Each agent has its own tools, providers, MCP servers and approval
   * policies.
   */
  readonly agents: Readonly<Record<string, GatewayAgent>>
  /** Name of the agent for routes without an agent name, and for `run` without an agent. Default: the first one. */
  readonly defaultAgent?: string
}

/** Options of `createAgent` or `createGatewayApp`, without the options of the server. */
export type GatewayAgent = ModelAgentOptions | RuntimeAgentOptions

/**
 * Creates a gateway with several agents, one store and one set of routes. Throws a `ConfigurationError` if options
 * are unknown or wrong. Does not open anything yet.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const server = resolveGateway(options)
  const names = Object.keys(server.agents)
  const { defaultAgent = names[0] } = server
  const definitions = Object.entries(server.agents).map(([name, agent]): AgentDefinition => {
    const caller = `createGateway: agents.${name}`
    if (!("buildChatRuntime" in agent)) return createModelAgent(name, resolveModelAgent(caller, agent))
    const resolved = resolveRuntimeAgent(caller, agent)
    requireKnownUsers(caller, resolved.resolveCredentials, server)
    return createRuntimeAgent(name, resolved)
  })
  const first = definitions.find(({ name }) => name === defaultAgent)
  if (first === undefined) {
    throw new ConfigurationError(
      `createGateway: defaultAgent is not one of the agents, which are ${names.join(", ")}.`,
    )
  }
  const others = definitions.filter((definition) => definition !== first)
  return assembleGateway({ server, agents: [first, ...others] })
}

import { z } from "zod"
import { providerOptions } from "../../adapters/providers/choose/options.ts"
import { parseDefinitions } from "../../features/mcp/config/parse-definitions.ts"
import type { McpOptions } from "../../features/mcp/options.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { createFunctionSchema, createObjectSchema } from "../../platform/options/schemas.ts"
import type { ModelAgentOptions } from "../agent/agent-definition.ts"
import type { ChatRuntime } from "../agent/chat-runtime.ts"
import type { ResolveCredentials } from "../agent/credentials.ts"
import type { AgentOptions } from "../create-agent.ts"
import type { GatewayAgent, GatewayOptions } from "../create-gateway.ts"
import type { BuildChatRuntime, GatewayAppOptions, RuntimeAgentOptions } from "../create-gateway-app.ts"
import { agentName, agentServerOptions, nameOption, sharedServerOptions } from "./gateway-options.ts"
import { runOptions, systemPrompt } from "./runtime-options.ts"

const { provider, ...credentials } = providerOptions

const runtimeChoice = declareOptions<
  Pick<RuntimeAgentOptions, "buildChatRuntime" | "resolveCredentials" | "defaultProvider">
>()({
  buildChatRuntime: z.union(
    [createFunctionSchema<BuildChatRuntime>(), createObjectSchema<ChatRuntime>()],
    "expected a function or a runtime",
  ),
  resolveCredentials: createFunctionSchema<ResolveCredentials>().optional(),
  defaultProvider: provider,
})

/** Schemas for an agent of the gateway's own loop. */
const modelAgentOptions = { ...agentServerOptions, ...providerOptions, ...runOptions, systemPrompt }
/** Schemas for an agent with the application's own runtime. */
const runtimeAgentOptions = { ...agentServerOptions, ...credentials, ...runtimeChoice }

const oneAgent = { ...nameOption, ...sharedServerOptions, ...agentServerOptions }
const createAgentOptions = declareOptions<AgentOptions>()({ ...oneAgent, ...providerOptions, ...runOptions })
const gatewayAppOptions = { ...oneAgent, ...credentials, ...runtimeChoice }
const gatewayOptions = declareOptions<GatewayOptions>()({
  ...sharedServerOptions,
  agents: z
    .record(agentName, createObjectSchema<GatewayAgent>())
    .refine((agents) => Object.keys(agents).length > 0, "expected an agent"),
  defaultAgent: z.string().optional(),
})

/** The schemas of all options, which the documentation test reads. */
export const optionSchemas = {
  createAgent: createAgentOptions,
  createGatewayApp: gatewayAppOptions,
  createGateway: gatewayOptions,
} as const

export type ResolvedModelAgent = Resolved<ModelAgentOptions, typeof modelAgentOptions>
export type ResolvedRuntimeAgent = Resolved<RuntimeAgentOptions, typeof runtimeAgentOptions>

/** Checks the arguments of `createAgent` and applies the defaults. Throws a `ConfigurationError` for mistakes. */
export function resolveCreateAgent(prompt: ModelAgentOptions["systemPrompt"], options: AgentOptions) {
  const resolved = addMcpServers(resolveOptions("createAgent", createAgentOptions, options))
  return { ...resolved, ...resolveOptions("createAgent", { systemPrompt }, { systemPrompt: prompt }) }
}

/** Checks the options of `createGatewayApp` in the same way. */
export function resolveGatewayApp(options: GatewayAppOptions) {
  return addMcpServers(resolveOptions("createGatewayApp", gatewayAppOptions, options))
}

/** Checks the options of `createGateway` in the same way, without those of its agents. */
export function resolveGateway(options: GatewayOptions) {
  return resolveOptions("createGateway", gatewayOptions, options)
}

/** Checks the options of an agent of `createGateway` with a model in the same way. */
export function resolveModelAgent(caller: string, options: ModelAgentOptions): ResolvedModelAgent {
  return addMcpServers(resolveOptions(caller, modelAgentOptions, options))
}

/** Checks the options of an agent of `createGateway` with the application's own runtime in the same way. */
export function resolveRuntimeAgent(caller: string, options: RuntimeAgentOptions): ResolvedRuntimeAgent {
  return addMcpServers(resolveOptions(caller, runtimeAgentOptions, options))
}

function addMcpServers<Options extends McpOptions>(options: Options): Options {
  parseDefinitions(options.mcpServers, { name: "mcpServers", unknownKeys: "refused" })
  return options
}

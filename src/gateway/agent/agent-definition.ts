import type { ProviderOptions } from "../../adapters/providers/choose/choose-provider.ts"
import { providerOptions } from "../../adapters/providers/choose/options.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import type { BuildChatRuntime } from "../create-gateway-app.ts"
import type { ResolvedModelAgent, ResolvedRuntimeAgent } from "../options/agent-options.ts"
import {
  type AgentServerOptions,
  agentServerOptions,
  type ResolvedAgentServer,
} from "../options/gateway-options.ts"
import {
  type ResolvedChatRuntime,
  resolveChatRuntime,
  runOptions,
  systemPrompt,
} from "../options/runtime-options.ts"
import type { ChatModelRuntime } from "./chat-runtime.ts"
import type { ResolveCredentials } from "./credentials.ts"

/** One agent of a gateway, with validated options. */
export interface AgentDefinition {
  readonly name: string
  readonly provider: ProviderOptions
  readonly resolveCredentials: ResolveCredentials | undefined
  /** The runtime of all runs, or a function that returns one for each run. */
  readonly buildChatRuntime: ResolvedChatRuntime | BuildChatRuntime
  readonly options: ResolvedAgentServer
}

/** An agent of the gateway's own loop: the options of `createAgent`, except those of the server. */
export interface ModelAgentOptions
  extends AgentServerOptions,
    ProviderOptions,
    Omit<ChatModelRuntime, "provider" | "codeExecution"> {}

/**
 * Returns the definition of an agent whose runs share one runtime, so missing parts are known before the first run.
 */
export function createModelAgent(name: string, options: ResolvedModelAgent): AgentDefinition {
  return {
    name,
    provider: pickOptions(providerOptions, options),
    resolveCredentials: undefined,
    buildChatRuntime: pickOptions({ ...runOptions, systemPrompt }, options),
    options: pickOptions(agentServerOptions, options),
  }
}

/** Returns the definition of an agent with the application's own runtime. */
export function createRuntimeAgent(name: string, options: ResolvedRuntimeAgent): AgentDefinition {
  const { buildChatRuntime: build, resolveCredentials, defaultProvider } = options
  return {
    name,
    provider: {
      ...pickOptions(providerOptions, options),
      ...(defaultProvider !== undefined && { provider: defaultProvider }),
    },
    resolveCredentials,
    buildChatRuntime: typeof build === "object" ? resolveChatRuntime(build) : build,
    options: pickOptions(agentServerOptions, options),
  }
}

import { definedOnly } from "../core/defined-only.ts"
import { pickOptions } from "../options/resolve-options.ts"
import type { ProviderOptions } from "../providers/choose/choose-provider.ts"
import type { ChatModelRuntime } from "./chat-runtime.ts"
import type { BuildChatRuntime, RuntimeAgentOptions } from "./create-gateway-app.ts"
import type { ResolveCredentials } from "./credentials.ts"
import { pickAgentServerOptions } from "./options/check-options.ts"
import type { AgentServerOptions } from "./options/gateway-options.ts"
import {
  type ResolvedChatRuntime,
  resolveChatRuntime,
  resolveModelRuntime,
  runOptions,
} from "./options/runtime-options.ts"

/** One agent of a gateway, its options checked. */
export interface AgentDefinition {
  readonly name: string
  readonly provider: ProviderOptions
  readonly resolveCredentials: ResolveCredentials | undefined
  /** The runtime of all runs, or a function that returns one for each run. */
  readonly buildChatRuntime: ResolvedChatRuntime | BuildChatRuntime
  readonly options: AgentServerOptions
}

/** An agent of the gateway's own loop: what `createAgent` takes, but for the options of the server. */
export interface ModelAgentOptions
  extends AgentServerOptions,
    ProviderOptions,
    Omit<ChatModelRuntime, "provider"> {}

/** All its runs are with one runtime, so what it lacks is known before the first. */
export function modelAgent(name: string, options: ModelAgentOptions): AgentDefinition {
  const { apiKey, authToken, providerConfig } = options
  return {
    name,
    provider: definedOnly<ProviderOptions>({ provider: options.provider, apiKey, authToken, providerConfig }),
    resolveCredentials: undefined,
    buildChatRuntime: resolveModelRuntime("createAgent", {
      ...pickOptions(runOptions, options),
      systemPrompt: options.systemPrompt,
    }),
    options: pickAgentServerOptions(options),
  }
}

/** An agent whose runtime is the application's to make. */
export function runtimeAgent(name: string, options: RuntimeAgentOptions): AgentDefinition {
  const { buildChatRuntime, apiKey, authToken, providerConfig } = options
  return {
    name,
    provider: definedOnly<ProviderOptions>({
      provider: options.defaultProvider,
      apiKey,
      authToken,
      providerConfig,
    }),
    resolveCredentials: options.resolveCredentials,
    buildChatRuntime:
      typeof buildChatRuntime === "object" ? resolveChatRuntime(buildChatRuntime) : buildChatRuntime,
    options: pickAgentServerOptions(options),
  }
}

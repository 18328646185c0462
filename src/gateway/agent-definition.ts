import { definedOnly } from "../core/defined-only.ts"
import type { ProviderOptions } from "../providers/choose/choose-provider.ts"
import type { ChatModelRuntime, ChatRuntime } from "./chat-runtime.ts"
import type { BuildChatRuntime, RuntimeAgentOptions } from "./create-gateway-app.ts"
import type { ResolveCredentials } from "./credentials.ts"
import { pickAgentServerOptions, pickModelRuntime } from "./options/check-options.ts"
import type { AgentServerOptions } from "./options/gateway-options.ts"

/** One agent of a gateway, its options checked. */
export interface AgentDefinition {
  readonly name: string
  readonly provider: ProviderOptions
  readonly resolveCredentials: ResolveCredentials | undefined
  readonly buildChatRuntime: ChatRuntime | BuildChatRuntime
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
    buildChatRuntime: pickModelRuntime(options),
    options: pickAgentServerOptions(options),
  }
}

/** An agent whose runtime is the application's to make. */
export function runtimeAgent(name: string, options: RuntimeAgentOptions): AgentDefinition {
  const { apiKey, authToken, providerConfig } = options
  return {
    name,
    provider: definedOnly<ProviderOptions>({
      provider: options.defaultProvider,
      apiKey,
      authToken,
      providerConfig,
    }),
    resolveCredentials: options.resolveCredentials,
    buildChatRuntime: options.buildChatRuntime,
    options: pickAgentServerOptions(options),
  }
}

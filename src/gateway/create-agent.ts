import type { ProviderOptions } from "../adapters/providers/choose/choose-provider.ts"
import type { SystemBlock } from "../core/ports/model/provider.ts"
import { createModelAgent } from "./agent/agent-definition.ts"
import type { ChatModelRuntime } from "./agent/chat-runtime.ts"
import { assembleGateway } from "./assemble-gateway.ts"
import type { Gateway } from "./gateway.ts"
import { resolveCreateAgent } from "./options/agent-options.ts"
import type { ServerOptions } from "./options/gateway-options.ts"

export interface AgentOptions
  extends ServerOptions,
    ProviderOptions,
    Omit<ChatModelRuntime, "systemPrompt" | "provider" | "codeExecution"> {}

/**
 * Creates a gateway with one agent. `systemPrompt` is a text, or a list of blocks, some of which the provider may
 * cache. Throws a `ConfigurationError` if options are unknown or wrong. Does not open anything yet.
 */
export function createAgent(
  systemPrompt: string | readonly SystemBlock[],
  options: AgentOptions = {},
): Gateway {
  const resolved = resolveCreateAgent(systemPrompt, options)
  return assembleGateway({ server: resolved, agents: [createModelAgent(resolved.name, resolved)] })
}

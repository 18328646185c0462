import type { SystemBlock } from "../core/ports/provider.ts"
import type { ProviderOptions } from "../providers/choose/choose-provider.ts"
import { modelAgent } from "./agent-definition.ts"
import { assembleGateway } from "./assemble-gateway.ts"
import type { ChatModelRuntime } from "./chat-runtime.ts"
import type { Gateway } from "./gateway.ts"
import { resolveCreateAgent } from "./options/agent-options.ts"
import type { ServerOptions } from "./options/gateway-options.ts"

export interface AgentOptions
  extends ServerOptions,
    ProviderOptions,
    Omit<ChatModelRuntime, "systemPrompt" | "provider"> {}

/**
 * One agent as a service: `systemPrompt` is a text, or blocks of which some may be cached by the model service.
 * Throws a `ConfigurationError` for options that are unknown or wrong; opens nothing yet.
 */
export function createAgent(
  systemPrompt: string | readonly SystemBlock[],
  options: AgentOptions = {},
): Gateway {
  const resolved = resolveCreateAgent(systemPrompt, options)
  return assembleGateway({ server: resolved, agents: [modelAgent(resolved.name, resolved)] })
}

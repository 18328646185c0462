import type { SystemBlock } from "../core/ports/provider.ts"
import type { ChatModelRuntime } from "./chat-runtime.ts"
import { checkAgentOptions } from "./check-options.ts"
import type { ProviderOptions } from "./choose-provider.ts"
import { createGatewayApp } from "./create-gateway-app.ts"
import { definedOnly } from "./defined-only.ts"
import type { Gateway } from "./gateway.ts"
import type { ServerOptions } from "./gateway-options.ts"

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
  checkAgentOptions(systemPrompt, options)
  const { provider: defaultProvider, model, fallback, tools, ...rest } = options
  const { maxTokens, maxTurns, maxBudgetUsd, prices, toolTimeoutMs, maxToolResultBytes, ...more } = rest
  const { maxRetries, firstTokenTimeoutSeconds, stallTimeoutSeconds, ...others } = more
  const { needsApproval, interceptors, approvalTimeoutSeconds, ...server } = others
  // All its runs are with this one runtime, so what it lacks is known before the first.
  const buildChatRuntime = definedOnly<ChatModelRuntime>({
    systemPrompt,
    provider: undefined,
    model,
    fallback,
    tools,
    maxTokens,
    maxTurns,
    maxBudgetUsd,
    prices,
    toolTimeoutMs,
    maxToolResultBytes,
    maxRetries,
    firstTokenTimeoutSeconds,
    stallTimeoutSeconds,
    needsApproval,
    interceptors,
    approvalTimeoutSeconds,
  })
  return createGatewayApp({ ...server, ...definedOnly({ defaultProvider }), buildChatRuntime })
}

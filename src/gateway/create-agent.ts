import type { SystemBlock } from "../core/ports/provider.ts"
import type { ChatModelRuntime } from "./chat-runtime.ts"
import { checkAgentOptions } from "./check-options.ts"
import { chooseProvider, type ProviderOptions } from "./choose-provider.ts"
import { settingsOf } from "./create-gateway.ts"
import { createGatewayApp } from "./create-gateway-app.ts"
import { definedOnly } from "./defined-only.ts"
import type { Gateway } from "./gateway.ts"
import type { ServerOptions } from "./gateway-options.ts"
import { refuseDemoInProduction } from "./refuse-demo.ts"

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
  const { provider: defaultProvider, model, tools, ...rest } = options
  const { maxTokens, maxTurns, toolTimeoutMs, maxToolResultBytes, maxRetries, ...others } = rest
  const { needsApproval, interceptors, approvalTimeoutSeconds, ...server } = others
  const runtime = definedOnly<ChatModelRuntime>({
    systemPrompt,
    provider: undefined,
    model,
    tools,
    maxTokens,
    maxTurns,
    toolTimeoutMs,
    maxToolResultBytes,
    maxRetries,
    needsApproval,
    interceptors,
    approvalTimeoutSeconds,
  })
  const gateway = createGatewayApp({
    ...server,
    ...definedOnly({ defaultProvider }),
    buildChatRuntime: () => runtime,
  })
  return {
    ...gateway,
    async prepare(prepared = {}) {
      // All its runs are with this one model, so want of it is known before the first.
      refuseDemoInProduction(chooseProvider(options, settingsOf(prepared)), prepared.mode)
      await gateway.prepare(prepared)
    },
  }
}

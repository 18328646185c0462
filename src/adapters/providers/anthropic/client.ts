import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { createEndpoint, type Endpoint } from "../transport/endpoint.ts"
import type { AnthropicOptions } from "./options.ts"

export type AnthropicSdk = typeof import("@anthropic-ai/sdk")

export const anthropicAddress = "https://api.anthropic.com"

/**
 * Creates the endpoint of the Messages API with the SDK. The SDK builds it from the given options only: every setting
 * that it would read from the environment or from a profile file is set.
 */
export function createMessagesEndpoint(sdk: AnthropicSdk, options: AnthropicOptions): Promise<Endpoint> {
  const client = new sdk.Anthropic({
    apiKey: options.apiKey ?? null,
    authToken: options.authToken ?? null,
    webhookKey: null,
    baseURL: options.baseURL ?? anthropicAddress,
    // Without its own limit, a call waits. The agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    logLevel: "off",
    openTelemetry: false,
  })
  const own = { authorization: `Bearer ${options.apiKey ?? options.authToken}`, ...options.headers }
  return createEndpoint(client, "/v1/messages", { fromSdk: sdkHeaders, own })
}

/** Headers of the SDK. It takes any other header from `ANTHROPIC_CUSTOM_HEADERS`. */
const sdkHeaders = /^(accept|content-type|user-agent|anthropic-version|x-stainless-.+)$/

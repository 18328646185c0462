import type { Anthropic } from "@anthropic-ai/sdk"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { fetchDirectly } from "../transport/direct-fetch.ts"
import { selectHeaders } from "../transport/select-headers.ts"
import type { AnthropicOptions } from "./options.ts"

export type AnthropicSdk = typeof import("@anthropic-ai/sdk")

export const anthropicAddress = "https://api.anthropic.com"

/**
 * Creates an SDK client with the given options only: every setting that the SDK would read from the environment or
 * from a profile file is set. It never retries by itself, because the agent's loop retries visibly.
 */
export function createClient(sdk: AnthropicSdk, options: AnthropicOptions): Anthropic {
  const own = { authorization: `Bearer ${options.apiKey ?? options.authToken}`, ...options.headers }
  return new sdk.Anthropic({
    apiKey: options.apiKey ?? null,
    authToken: options.authToken ?? null,
    webhookKey: null,
    baseURL: options.baseURL ?? anthropicAddress,
    // Without its own limit, the client waits. The agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    maxRetries: 0,
    logLevel: "off",
    openTelemetry: false,
    fetch: (url, init) =>
      fetchDirectly(url, { ...init, headers: selectHeaders(init?.headers, sdkHeaders, own) }),
  })
}

/** Headers that the SDK or the gateway sets. The SDK took any other header from `ANTHROPIC_CUSTOM_HEADERS`. */
const sdkHeaders =
  /^(accept|content-length|content-type|user-agent|traceparent|anthropic-version|x-stainless-.+)$/

import type { OpenAI } from "openai"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { fetchDirectly } from "../transport/direct-fetch.ts"
import { selectHeaders } from "../transport/select-headers.ts"
import type { OpenAiConnectionOptions } from "./options.ts"

export type OpenAiSdk = typeof import("openai")

/**
 * Creates an SDK client with the given options only: every setting that the SDK would read from the environment is
 * set. It never retries by itself, because the agent's loop retries visibly.
 */
export function createClient(sdk: OpenAiSdk, options: OpenAiConnectionOptions, baseURL: string): OpenAI {
  const { apiKey, headers } = options
  const own = { ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers }
  return new sdk.OpenAI({
    // The SDK requires a key, but local servers do not. Without a key no credentials are sent.
    apiKey: options.apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL,
    // Without its own limit, the client waits. The agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    maxRetries: 0,
    logLevel: "off",
    fetch: (url, init) =>
      fetchDirectly(url, { ...init, headers: selectHeaders(init?.headers, sdkHeaders, own) }),
  })
}

/** Headers that the SDK or the gateway sets. The SDK took any other header from `OPENAI_CUSTOM_HEADERS`. */
const sdkHeaders = /^(accept|content-length|content-type|user-agent|traceparent|x-stainless-.+)$/

import type { OpenAI } from "openai"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { directFetch } from "../transport/direct-fetch.ts"
import type { OpenAiConnectionOptions } from "./options.ts"

export type OpenAiSdk = typeof import("openai")

/**
 * Creates an SDK client with the given options only: every setting that the SDK would read from the environment is
 * set. It never retries by itself, because the agent's loop retries visibly.
 */
export function createClient(sdk: OpenAiSdk, options: OpenAiConnectionOptions, baseURL: string): OpenAI {
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
    fetch: (url, init) => directFetch(url, { ...init, headers: selectHeaders(options, init?.headers) }),
  })
}

/**
 * Headers that the SDK or the gateway sets. The SDK took any other header from `OPENAI_CUSTOM_HEADERS`, and has no
 * option to prevent it.
 */
const sdkHeaders = /^(accept|content-length|content-type|user-agent|traceparent|x-stainless-.+)$/

function selectHeaders(
  { apiKey, headers = {} }: OpenAiConnectionOptions,
  fromSdk: RequestInit["headers"],
): Headers {
  const sent = new Headers([...new Headers(fromSdk)].filter(([name]) => sdkHeaders.test(name)))
  if (apiKey !== undefined) sent.set("authorization", `Bearer ${apiKey}`)
  for (const [name, value] of Object.entries(headers)) sent.set(name, value)
  return sent
}

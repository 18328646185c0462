import type { OpenAI } from "openai"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { directFetch } from "../transport/direct-fetch.ts"
import type { OpenAiConnectionOptions } from "./options.ts"

export type OpenAiSdk = typeof import("openai")

/**
 * An SDK client that knows the options and nothing else: each setting that the SDK would read from the environment is
 * given. It never retries by itself: the agent's loop does, where it can be seen.
 */
export function createClient(sdk: OpenAiSdk, options: OpenAiConnectionOptions, baseURL: string): OpenAI {
  return new sdk.OpenAI({
    // The SDK wants one, local servers do not: without one no credentials are sent.
    apiKey: options.apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL,
    // Without a limit of its own, the client waits: the agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    maxRetries: 0,
    logLevel: "off",
    fetch: (url, init) => directFetch(url, { ...init, headers: ownHeaders(options, init?.headers) }),
  })
}

/**
 * Headers that the SDK or the gateway sets. Anything else the SDK took from `OPENAI_CUSTOM_HEADERS`, against which it
 * has no option.
 */
const sdkHeaders = /^(accept|content-type|user-agent|traceparent|x-stainless-.+)$/

function ownHeaders(
  { apiKey, headers = {} }: OpenAiConnectionOptions,
  fromSdk: RequestInit["headers"],
): Headers {
  const sent = new Headers([...new Headers(fromSdk)].filter(([name]) => sdkHeaders.test(name)))
  if (apiKey !== undefined) sent.set("authorization", `Bearer ${apiKey}`)
  for (const [name, value] of Object.entries(headers)) sent.set(name, value)
  return sent
}

import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { createEndpoint, type Endpoint } from "../transport/endpoint.ts"
import type { OpenAiConnectionOptions } from "./options.ts"

export type OpenAiSdk = typeof import("openai")

/** Paths of the APIs below the base URL. */
export type OpenAiPath = "/responses" | "/chat/completions"

/**
 * Creates the endpoint of one API with the SDK. The SDK builds it from the given options only: every setting that it
 * would read from the environment is set.
 */
export function createOpenAiEndpoint(
  sdk: OpenAiSdk,
  options: OpenAiConnectionOptions,
  { baseURL, path }: { readonly baseURL: string; readonly path: OpenAiPath },
): Promise<Endpoint> {
  const { apiKey, headers } = options
  const client = new sdk.OpenAI({
    // The SDK requires a key, but local servers do not. Without a key no credentials are sent.
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL,
    // Without its own limit, a call waits. The agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    logLevel: "off",
  })
  const own = { ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers }
  return createEndpoint(client, path, { fromSdk: sdkHeaders, own })
}

/** Headers of the SDK. It takes any other header from `OPENAI_CUSTOM_HEADERS`. */
const sdkHeaders = /^(accept|content-type|user-agent|x-stainless-.+)$/

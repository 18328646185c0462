import { ConfigurationError } from "../../../core/errors.ts"
import type { Endpoint } from "../transport/endpoint.ts"
import { createLazy } from "../transport/lazy.ts"
import { createOpenAiEndpoint, type OpenAiPath, type OpenAiSdk } from "./client.ts"
import type { LoadOpenAiSdk, OpenAiConnectionOptions } from "./options.ts"

export const openAiAddress = "https://api.openai.com/v1"

export const importSdk: LoadOpenAiSdk = () => import("openai")

export interface Connection {
  readonly sdk: OpenAiSdk
  readonly endpoint: Endpoint
  /** Maximum milliseconds until the head of a response. Undefined if there is no limit. */
  readonly timeoutMs: number | undefined
  /** Texts that no log may contain. */
  readonly secrets: readonly string[]
}

/**
 * Returns a connection to one API that is created at the first use. Rejects with a `ConfigurationError` if the SDK is
 * not installed.
 */
export function createLazyConnection(
  path: OpenAiPath,
  options: OpenAiConnectionOptions,
  load: LoadOpenAiSdk,
): () => Promise<Connection> {
  return createLazy(() => connect(path, options, load))
}

async function connect(
  path: OpenAiPath,
  options: OpenAiConnectionOptions,
  load: LoadOpenAiSdk,
): Promise<Connection> {
  const loaded = await load().catch((cause: unknown) => {
    throw new ConfigurationError("To use this provider, install openai: npm install openai", { cause })
  })
  const { apiKey = "", baseURL = openAiAddress, headers = {} } = options
  const sdk = loaded as OpenAiSdk
  return {
    sdk,
    endpoint: await createOpenAiEndpoint(sdk, options, { baseURL, path }),
    timeoutMs: options.timeoutMs,
    secrets: [apiKey, ...Object.values(headers)],
  }
}

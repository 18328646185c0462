import type { OpenAI } from "openai"
import { ConfigurationError } from "../../core/errors.ts"
import { createLazy } from "../transport/lazy.ts"
import { createClient, type OpenAiSdk } from "./client.ts"
import type { LoadOpenAiSdk, OpenAiConnectionOptions } from "./options.ts"

export const openAiAddress = "https://api.openai.com/v1"

export const importSdk: LoadOpenAiSdk = () => import("openai")

export interface Connection {
  readonly sdk: OpenAiSdk
  readonly client: OpenAI
  /** Texts that no log may contain. */
  readonly secrets: readonly string[]
}

/**
 * Returns a connection that is created at the first use. Rejects with a `ConfigurationError` if the SDK is not
 * installed.
 */
export function createLazyConnection(
  options: OpenAiConnectionOptions,
  load: LoadOpenAiSdk,
): () => Promise<Connection> {
  return createLazy(() => connect(options, load))
}

async function connect(options: OpenAiConnectionOptions, load: LoadOpenAiSdk): Promise<Connection> {
  const loaded = await load().catch((cause: unknown) => {
    throw new ConfigurationError("To use this provider, install openai: npm install openai", { cause })
  })
  const { apiKey = "", baseURL = openAiAddress, headers = {} } = options
  const sdk = loaded as OpenAiSdk
  return {
    sdk,
    client: createClient(sdk, options, baseURL),
    secrets: [apiKey, ...Object.values(headers)],
  }
}

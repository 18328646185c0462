import { ConfigurationError } from "../core/errors.ts"
import type { Provider } from "../core/ports/provider.ts"
import { anthropicProvider } from "../providers/anthropic/anthropic-provider.ts"
import type { AnthropicOptions } from "../providers/anthropic/options.ts"
import { demoProvider } from "../providers/demo/demo-provider.ts"
import type { EnvironmentSettings } from "./environment.ts"

export interface ProviderOptions {
  /** Default: anthropic if the environment or these options have a key for it, else demo. */
  readonly provider?: "anthropic" | "demo" | Provider
  /** Default: `ANTHROPIC_API_KEY`. */
  readonly apiKey?: string
  /** Default: `ANTHROPIC_AUTH_TOKEN`. */
  readonly authToken?: string
  /** Further options of a provider chosen by name: `baseURL`, `headers`, `thinking` … */
  readonly providerConfig?: Omit<AnthropicOptions, "apiKey" | "authToken">
}

export interface ChosenProvider {
  readonly provider: Provider
  /** Whether this is the offline stand-in, for want of a model service. */
  readonly fallback: boolean
}

/** What is given in code wins over the environment. */
export function chooseProvider(options: ProviderOptions, settings: EnvironmentSettings): ChosenProvider {
  const { provider, apiKey, authToken, providerConfig } = options
  if (typeof provider === "object") return { provider, fallback: false }
  if (provider === "demo") return { provider: demoProvider(), fallback: false }
  const { baseURL, ...environmentKey } = settings.anthropic
  const givenKey = {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(authToken === undefined ? {} : { authToken }),
  }
  const key = Object.keys(givenKey).length > 0 ? givenKey : environmentKey
  if (Object.keys(key).length > 0) {
    const address = baseURL === undefined ? {} : { baseURL }
    return { provider: anthropicProvider({ ...address, ...key, ...providerConfig }), fallback: false }
  }
  if (provider === undefined && providerConfig === undefined)
    return { provider: demoProvider(), fallback: true }
  throw new ConfigurationError(
    "The provider anthropic needs a key: set ANTHROPIC_API_KEY, or the option apiKey.",
  )
}

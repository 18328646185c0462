import { omitUndefined } from "../../../core/defined-only.ts"
import { ConfigurationError } from "../../../core/errors.ts"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { anthropicProvider } from "../anthropic/anthropic-provider.ts"
import type { AnthropicOptions } from "../anthropic/options.ts"
import { demoProvider } from "../demo/demo-provider.ts"
import { openAiChatProvider } from "../openai/openai-chat-provider.ts"
import { openAiProvider } from "../openai/openai-provider.ts"
import type { OpenAiChatOptions, OpenAiOptions } from "../openai/options.ts"
import type { EnvironmentSettings } from "./environment.ts"

export const providerNames = ["anthropic", "openai", "openai-chat", "demo"] as const
export type ProviderName = (typeof providerNames)[number]

/** Options of a provider chosen by name. Values in code take precedence over the environment. */
export interface NamedProviderOptions {
  /** API key. Default: `ANTHROPIC_API_KEY` or `OPENAI_API_KEY`. */
  readonly apiKey?: string
  /** Token for anthropic, in place of a key. Default: `ANTHROPIC_AUTH_TOKEN`. */
  readonly authToken?: string
  /** Further options of that provider: `baseURL`, `headers`, `thinking` … Default: none. */
  readonly providerConfig?: ProviderConfig
}

export type ProviderConfig =
  | Omit<AnthropicOptions, "apiKey" | "authToken">
  | Omit<OpenAiOptions, "apiKey">
  | Omit<OpenAiChatOptions, "apiKey">

/**
 * Creates the provider. Throws a `ConfigurationError` if a key is missing, or if the provider does not have an
 * option.
 */
export function createNamedProvider(
  name: ProviderName,
  options: NamedProviderOptions,
  { anthropic, openai }: EnvironmentSettings,
): Provider {
  switch (name) {
    case "anthropic":
      return anthropicProvider(merge(name, options, anthropic))
    case "openai":
      return openAiProvider(merge(name, options, openai))
    case "openai-chat":
      return openAiChatProvider(merge(name, options, openai))
    case "demo":
      return demoProvider()
    default:
      return name satisfies never
  }
}

interface ServiceSettings {
  readonly apiKey?: string
  readonly authToken?: string
  readonly baseURL?: string
}

/** Merges the options. The provider checks the result. */
function merge(
  name: Exclude<ProviderName, "demo">,
  { apiKey, authToken, providerConfig }: NamedProviderOptions,
  { baseURL, ...environmentKey }: ServiceSettings,
): ProviderConfig & ServiceSettings {
  const ownKey = omitUndefined<ServiceSettings>({ apiKey, authToken })
  const key = Object.keys(ownKey).length > 0 ? ownKey : environmentKey
  const merged = { ...omitUndefined<ServiceSettings>({ baseURL }), ...providerConfig, ...key }
  // Custom servers often need no key.
  const needsKey = name === "anthropic" || merged.baseURL === undefined
  if (needsKey && Object.keys(key).length === 0) {
    const variable = name === "anthropic" ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY"
    throw new ConfigurationError(`The provider ${name} needs a key: set ${variable}, or the option apiKey.`)
  }
  return merged
}

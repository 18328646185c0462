import { omitUndefined } from "../../../core/defined-only.ts"
import { ConfigurationError } from "../../../core/errors.ts"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { aiSdkProvider } from "../ai-sdk/ai-sdk-provider.ts"
import type { AiSdkModel } from "../ai-sdk/options.ts"
import { demoProvider } from "../demo/demo-provider.ts"
import { openAiChatProvider } from "../openai/openai-chat-provider.ts"
import type { EnvironmentSettings } from "./environment.ts"
import { findFirstModel } from "./local-server.ts"
import { createNamedProvider, type NamedProviderOptions, type ProviderName } from "./named-provider.ts"

/** A provider by name, a provider made in code, or a language model of the AI SDK (https://ai-sdk.dev). */
export type ProviderChoice = ProviderName | Provider | AiSdkModel

export interface ProviderOptions extends NamedProviderOptions {
  /**
   * Default: anthropic if these options or the environment have a key for it, otherwise openai if the environment has
   * one. Without any key, the default is a model server on this machine, otherwise the demo. `agent-gateway start`
   * refuses both.
   */
  readonly provider?: ProviderChoice
}

export interface ChosenProvider {
  readonly provider: Provider
  /** Null for a provider without a name. */
  readonly name: ProviderName | null
  /** If true, the gateway chose this provider itself: a local model server, or the demo. */
  readonly guessed: boolean
}

export interface ChooseOptions {
  readonly settings: EnvironmentSettings
  /** If true, the gateway may choose a provider itself, and then looks for a local server. */
  readonly mayGuess: boolean
}

/**
 * Chooses the provider. Options in code take precedence over the environment. Rejects with a `ConfigurationError` if
 * a key is missing.
 */
export async function chooseProvider(
  { provider, ...options }: ProviderOptions,
  { settings, mayGuess }: ChooseOptions,
): Promise<ChosenProvider> {
  refuseIgnored(provider, options)
  if (typeof provider === "object") return { provider: toProvider(provider), name: null, guessed: false }
  const name = provider ?? findConfiguredName(options, settings)
  if (name !== null) return { provider: createNamedProvider(name, options, settings), name, guessed: false }
  const local = mayGuess ? await findLocalProvider(settings.localServer) : null
  if (local !== null) return { provider: local, name: null, guessed: true }
  return { provider: demoProvider(), name: "demo", guessed: true }
}

/** Wraps a model of the AI SDK. Returns a provider unchanged. */
export function toProvider(choice: Provider | AiSdkModel): Provider {
  // It checks its arguments.
  return "doStream" in choice ? aiSdkProvider(choice) : choice
}

/** Throws a `ConfigurationError` for options without effect, because a key must not be silently ignored. */
function refuseIgnored(provider: ProviderChoice | undefined, options: NamedProviderOptions): void {
  const givenNames = Object.keys(omitUndefined<NamedProviderOptions>(options))
  if (givenNames.length === 0 || (provider !== "demo" && typeof provider !== "object")) return
  const which = provider === "demo" ? "The demo has" : "A provider made in code has its own, and takes"
  throw new ConfigurationError(`${which} no ${givenNames.join(", ")}.`)
}

function findConfiguredName(
  { apiKey, authToken, providerConfig }: NamedProviderOptions,
  { anthropic, openai }: EnvironmentSettings,
): ProviderName | null {
  if ((apiKey ?? authToken ?? anthropic.apiKey ?? anthropic.authToken) !== undefined) return "anthropic"
  if (openai.apiKey !== undefined) return "openai"
  // If a provider is configured, no other one is chosen. It reports that its key is missing.
  return providerConfig === undefined ? null : "anthropic"
}

async function findLocalProvider(baseURL: string): Promise<Provider | null> {
  const model = await findFirstModel(baseURL)
  return model === null ? null : openAiChatProvider({ baseURL, defaultModel: model, priceList: "free" })
}

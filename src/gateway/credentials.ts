import { ConfigurationError } from "../core/errors.ts"
import type { Provider } from "../core/ports/provider.ts"
import type { Session } from "../core/ports/session-log.ts"
import { anthropicProvider } from "../providers/anthropic/anthropic-provider.ts"
import type { ChosenProvider, ProviderOptions } from "./choose-provider.ts"
import type { EnvironmentSettings } from "./environment.ts"

/** A session's user's own key for the model service, or a token in its place; null for the app's own. */
export type ResolveCredentials = (session: Session) => Credentials | null | Promise<Credentials | null>

/** Exactly one of the two. */
export type Credentials = Pick<ProviderOptions, "apiKey" | "authToken">

/** Providers kept for the next run of the same key; past it, the one idle for longest is made anew. */
const maxProviders = 500

/**
 * The provider a session's runs are executed with: the app's, or one with the user's own key. Rejects with a
 * `ConfigurationError` when there are credentials that cannot be used: nobody else's key, and no stand-in, takes their place.
 */
export function providerForSession(
  chosen: ChosenProvider,
  options: ProviderOptions,
  settings: EnvironmentSettings,
  resolveCredentials: ResolveCredentials | undefined,
): (session: Session) => Promise<Provider> {
  const providers = new Map<string, Provider>()
  return async (session) => {
    const credentials = (await resolveCredentials?.(session)) ?? null
    if (credentials === null) return chosen.provider
    const { apiKey, authToken } = credentials
    const key = JSON.stringify([apiKey, authToken])
    const provider = providers.get(key) ?? personalProvider(credentials, options, settings)
    // Set anew, so that the map's order is by last use.
    providers.delete(key)
    providers.set(key, provider)
    const [idlest] = providers.keys()
    if (providers.size > maxProviders && idlest !== undefined) providers.delete(idlest)
    return provider
  }
}

function personalProvider(
  { apiKey, authToken }: Credentials,
  { provider = "anthropic", providerConfig }: ProviderOptions,
  { anthropic: { baseURL } }: EnvironmentSettings,
): Provider {
  if (provider !== "anthropic") {
    throw new ConfigurationError(
      "resolveCredentials needs the provider anthropic, chosen by name or by default.",
    )
  }
  if ((apiKey === undefined) === (authToken === undefined)) {
    throw new ConfigurationError(
      "resolveCredentials: expected exactly one of apiKey and authToken, or null for the app's own.",
    )
  }
  return anthropicProvider({
    ...(baseURL === undefined ? {} : { baseURL }),
    ...providerConfig,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(authToken === undefined ? {} : { authToken }),
  })
}

import { ConfigurationError } from "../core/errors.ts"
import type { Provider } from "../core/ports/provider.ts"
import type { Session } from "../core/ports/session-log.ts"
import { type ChosenProvider, chooseProvider, type ProviderOptions } from "./choose-provider.ts"

/** Keys of a session's user for the model service; null for the app's own. */
export type ResolveCredentials = (
  session: Session,
) =>
  | Pick<ProviderOptions, "apiKey" | "authToken">
  | null
  | Promise<Pick<ProviderOptions, "apiKey" | "authToken"> | null>

/** Providers kept for the next run of the same key; past it, the one idle for longest is made anew. */
const maxProviders = 500

/** The provider a session's runs are executed with: the app's, or one with the user's own key. */
export function providerForSession(
  chosen: ChosenProvider,
  options: ProviderOptions,
  resolveCredentials: ResolveCredentials | undefined,
): (session: Session) => Promise<Provider> {
  const providers = new Map<string, Provider>()
  return async (session) => {
    const credentials = (await resolveCredentials?.(session)) ?? null
    if (credentials === null) return chosen.provider
    if (typeof options.provider === "object") {
      throw new ConfigurationError("resolveCredentials needs a provider chosen by name.")
    }
    const key = JSON.stringify([credentials.apiKey, credentials.authToken])
    const { apiKey: _, authToken: __, ...rest } = options
    const provider =
      providers.get(key) ?? chooseProvider({ ...rest, ...credentials }, { anthropic: {} }).provider
    // Set anew, so that the map's order is by last use.
    providers.delete(key)
    providers.set(key, provider)
    const [idlest] = providers.keys()
    if (providers.size > maxProviders && idlest !== undefined) providers.delete(idlest)
    return provider
  }
}

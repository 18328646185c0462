import type { ChosenProvider, ProviderOptions } from "../../adapters/providers/choose/choose-provider.ts"
import type { EnvironmentSettings } from "../../adapters/providers/choose/environment.ts"
import { createNamedProvider, type ProviderName } from "../../adapters/providers/choose/named-provider.ts"
import { createAppProviders, type RunProviders } from "../../adapters/providers/choose/run-providers.ts"
import { ConfigurationError } from "../../core/errors.ts"
import type { Provider } from "../../core/ports/model/provider.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import { createRecentCache } from "../../core/recent-cache.ts"
import type { HookOptions } from "../hooks/hooks.ts"

/**
 * Returns the own key of a session's user for the provider, or a token in its place. Null for the application's key.
 */
export type ResolveCredentials = (
  session: Session,
  options: HookOptions,
) => Credentials | null | Promise<Credentials | null>

/** Either a key or a token, but not both. */
export type Credentials = Pick<ProviderOptions, "apiKey" | "authToken">

/** Maximum number of providers that are cached by key. */
const maxProviders = 500

/**
 * Returns the providers for a session's runs: the application's provider, or one with the user's own key. Rejects
 * with a `ConfigurationError` if the credentials cannot be used. The key of another user or of the application never
 * replaces them.
 */
export function createProviderChooser(
  chosen: ChosenProvider,
  { providerConfig }: ProviderOptions,
  settings: EnvironmentSettings,
  resolveCredentials: ResolveCredentials | undefined,
): (session: Session, signal: AbortSignal) => RunProviders | Promise<RunProviders> {
  const ofApp = createAppProviders(chosen, settings)
  // Most runs wait for no code of the application.
  if (resolveCredentials === undefined) return () => ofApp
  const personal = createRecentCache<Provider>(maxProviders)
  return async (session, signal) => {
    const credentials = (await resolveCredentials(session, { signal })) ?? null
    if (credentials === null) return ofApp
    const service = findService(chosen)
    const { apiKey, authToken } = credentials
    const provider = personal(JSON.stringify([apiKey, authToken]), () =>
      createNamedProvider(
        service,
        { ...selectCredential(credentials), ...(providerConfig && { providerConfig }) },
        settings,
      ),
    )
    return createPersonalProviders(provider, service, ofApp)
  }
}

/** Returns the provider for which users have keys: the application's own, if it is given by name. */
function findService({ name, guessed }: ChosenProvider): ProviderName {
  if (guessed) return "anthropic"
  if (name !== null && name !== "demo") return name
  throw new ConfigurationError(
    "resolveCredentials needs the provider anthropic, openai or openai-chat, chosen by name or by default.",
  )
}

function selectCredential({ apiKey, authToken }: Credentials): Credentials {
  if (authToken === undefined && apiKey !== undefined) return { apiKey }
  if (apiKey === undefined && authToken !== undefined) return { authToken }
  throw new ConfigurationError(
    "resolveCredentials: expected exactly one of apiKey and authToken, or null for the app's own.",
  )
}

function createPersonalProviders(main: Provider, service: ProviderName, ofApp: RunProviders): RunProviders {
  return {
    main,
    resolve(choice) {
      if (choice === service) return main
      if (typeof choice === "object" || choice === "demo") return ofApp.resolve(choice)
      throw new ConfigurationError(
        `A run with a user's own key for ${service} cannot use ${choice}: its key is the app's.`,
      )
    },
  }
}

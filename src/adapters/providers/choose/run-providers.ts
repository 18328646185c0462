import type { Provider } from "../../../core/ports/model/provider.ts"
import { type ChosenProvider, type ProviderChoice, toProvider } from "./choose-provider.ts"
import type { EnvironmentSettings } from "./environment.ts"
import { createNamedProvider, type ProviderName } from "./named-provider.ts"

/** The providers that a run may use. */
export interface RunProviders {
  /** Provider of runtimes that choose none. */
  readonly main: Provider
  /** Returns the provider of a choice. Throws a `ConfigurationError` if its key is missing. */
  resolve(choice: ProviderChoice): Provider
}

/**
 * Returns the providers of the application: the chosen one, and by name any other for which the environment has a
 * key. Each is created once.
 */
export function createAppProviders(
  { provider: main, name }: ChosenProvider,
  settings: EnvironmentSettings,
): RunProviders {
  const named = new Map<ProviderName, Provider>(name === null ? [] : [[name, main]])
  return {
    main,
    resolve(choice) {
      if (typeof choice === "object") return toProvider(choice)
      const provider = named.get(choice) ?? createNamedProvider(choice, {}, settings)
      named.set(choice, provider)
      return provider
    },
  }
}

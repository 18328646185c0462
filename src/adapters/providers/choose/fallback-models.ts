import { ConfigurationError } from "../../../core/errors.ts"
import type { Pricing } from "../../../core/ports/model/pricing.ts"
import type { ModelChoice } from "../../../core/ports/model/provider.ts"
import { noUsage } from "../../../core/usage.ts"
import type { ProviderChoice } from "./choose-provider.ts"
import type { RunProviders } from "./run-providers.ts"

/** The provider or model that replaces a provider that fails. */
export type FallbackChoice =
  | ProviderChoice
  /** The default of `model` is the provider's own default. */
  | { readonly provider: ProviderChoice; readonly model?: string }

export interface WantedModels {
  readonly provider: ProviderChoice | undefined
  /** Undefined for the provider's default. */
  readonly model: string | undefined
  readonly fallback: readonly FallbackChoice[]
}

/** Returns the models of a run, first choice first. Throws a `ConfigurationError` if a key or a model is missing. */
export function chooseModels(
  { provider, model, fallback }: WantedModels,
  providers: RunProviders,
): readonly [ModelChoice, ...ModelChoice[]] {
  const toChoice = (choice: ProviderChoice, chosen: string | undefined): ModelChoice => {
    const resolved = providers.resolve(choice)
    const named = chosen ?? resolved.defaultModel
    if (named !== "") return { provider: resolved, model: named }
    throw new ConfigurationError(`The provider ${resolved.name} has no default model: give the option model.`)
  }
  return [
    toChoice(provider ?? providers.main, model),
    ...fallback.map((choice) =>
      isPair(choice) ? toChoice(choice.provider, choice.model) : toChoice(choice, undefined),
    ),
  ]
}

/** Returns true for a pair. AI SDK models have a `provider` too, which is its name. */
function isPair(choice: FallbackChoice): choice is Exclude<FallbackChoice, ProviderChoice> {
  return typeof choice === "object" && !("stream" in choice) && !("doStream" in choice)
}

/**
 * Throws a `ConfigurationError` that names the models without a known price, because a budget could not be enforced
 * with them.
 */
export function requirePrices(models: readonly ModelChoice[], pricing: Pricing): void {
  const unpriced = models.filter(
    ({ provider: { priceList }, model }) => pricing.cost({ priceList, model, usage: noUsage }) === null,
  )
  if (unpriced.length === 0) return
  const names = unpriced
    .map(({ provider, model }) => `${JSON.stringify(model)} (${provider.name})`)
    .join(", ")
  throw new ConfigurationError(
    `maxBudgetUsd needs the price of every model, and that of ${names} is not known: give it in the option prices.`,
  )
}

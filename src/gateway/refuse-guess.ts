import { ConfigurationError } from "../core/errors.ts"
import type { ChosenProvider } from "./choose-provider.ts"
import type { PrepareOptions } from "./gateway.ts"

/** Nobody who starts a service in earnest wants a model that happens to be there, or a stand-in, unless they chose it. */
export function refuseGuess({ guessed }: ChosenProvider, mode: PrepareOptions["mode"]): void {
  if (!guessed || mode !== "start") return
  throw new ConfigurationError(
    "No model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or choose a provider in the agent.",
  )
}

import { ConfigurationError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { ChosenProvider } from "./choose-provider.ts"
import type { PrepareOptions } from "./gateway.ts"

export interface Guess {
  /** To be called when the chosen provider is about to answer. Throws a `ConfigurationError` if nobody chose it. */
  use(): void
}

export interface GuessSurroundings {
  readonly mode: PrepareOptions["mode"]
  /** Where a model server of this machine is looked for. */
  readonly localServer: string
  readonly logger: Logger
}

/**
 * A model that nobody chose is refused by a service that is started in earnest; elsewhere it is said once, when it is first
 * used: an agent with a loop or providers of its own has no need of it.
 */
export function createGuess(
  { guessed, name, provider }: ChosenProvider,
  { mode, localServer: server, logger }: GuessSurroundings,
): Guess {
  let told = !guessed
  return {
    use() {
      if (guessed && mode === "start") {
        throw new ConfigurationError(
          "No model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or choose a provider in the agent.",
        )
      }
      if (told) return
      told = true
      if (name === "demo") logger.warn({}, "no model is configured: the offline demo answers")
      else {
        const { defaultModel: model } = provider
        logger.warn({ server, model }, "no model is configured: one of a server on this machine answers")
      }
    },
  }
}

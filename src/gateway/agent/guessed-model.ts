import type { ChosenProvider } from "../../adapters/providers/choose/choose-provider.ts"
import { ConfigurationError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { PrepareOptions } from "../gateway.ts"

export interface Guess {
  /** Reports that the chosen provider is about to respond. Throws a `ConfigurationError` if a guess is refused. */
  use(): void
}

export interface GuessOptions {
  readonly mode: PrepareOptions["mode"]
  /** Address at which the gateway looks for a model server on this machine. */
  readonly localServer: string
  readonly logger: Logger
}

/**
 * Returns true if a model may be guessed. The commands `start` and `run` refuse a guess: their output is used, and a
 * missing key would go unnoticed if the demo responded in place of the model.
 */
export function mayGuess(mode: PrepareOptions["mode"]): boolean {
  return mode !== "start" && mode !== "run"
}

/**
 * Refuses a guessed model, or logs its use once. Both happen when the model is first used, because an agent with its
 * own loop or its own providers does not need it.
 */
export function createGuess(
  { guessed, name, provider }: ChosenProvider,
  { mode, localServer: server, logger }: GuessOptions,
): Guess {
  let told = !guessed
  return {
    use() {
      if (guessed && !mayGuess(mode)) {
        throw new ConfigurationError(
          "No model is configured: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or choose a provider in the agent. " +
            'To try the agent without a model, use "agent-gateway dev" or "agent-gateway run --demo".',
        )
      }
      if (told) return
      told = true
      if (name === "demo") logger.warn({}, "No model is configured. The offline demo responds instead.")
      else {
        const { defaultModel: model } = provider
        logger.warn(
          { server, model },
          "No model is configured. A model of a server on this machine responds instead.",
        )
      }
    },
  }
}

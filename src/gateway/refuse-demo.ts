import { ConfigurationError } from "../core/errors.ts"
import type { ChosenProvider } from "./choose-provider.ts"
import type { PrepareOptions } from "./gateway.ts"

/** Nobody who starts a service in earnest wants the offline stand-in to answer, unless they chose it. */
export function refuseDemoInProduction({ fallback }: ChosenProvider, mode: PrepareOptions["mode"]): void {
  if (!fallback || mode !== "start") return
  throw new ConfigurationError(
    'No model is configured: set ANTHROPIC_API_KEY, or choose provider: "demo" in the agent.',
  )
}

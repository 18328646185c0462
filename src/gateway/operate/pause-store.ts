import { defaultStore } from "../../adapters/stores/options.ts"
import { ConfigurationError } from "../../core/errors.ts"
import { systemClock } from "../../core/time/clock.ts"
import { openExistingStore } from "./open-existing-store.ts"

/**
 * Pauses a store, so that a gateway that starts on it does not act, or resumes it. Resolves to false if nothing has
 * changed. Gateways that run already are not paused.
 */
export async function setStorePause(isPaused: boolean, store: string = defaultStore): Promise<boolean> {
  const { pause, clock = systemClock, close } = await openExistingStore(store)
  try {
    if (pause === undefined) throw new ConfigurationError("This store cannot be paused.")
    if (((await pause.since()) !== null) === isPaused) return false
    await pause.set(isPaused ? clock.now() : null)
    return true
  } finally {
    await close()
  }
}

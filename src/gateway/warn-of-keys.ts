import type { Logger } from "../core/ports/logger.ts"
import { minKeyLength } from "../http/auth/api-keys.ts"
import { knowsUsers } from "../http/options.ts"
import { countShortKeys, type KeySettings } from "./check-keys.ts"

/** Returns a function that warns of missing and of short keys. Only its first call logs anything. */
export function createKeyWarning(settings: KeySettings, logger: Logger): () => void {
  let hasWarned = false
  return () => {
    if (hasWarned) return
    hasWarned = true
    if (!knowsUsers(settings)) {
      logger.warn(
        {},
        "Any API key is accepted, so anyone who reaches the gateway can use it. Set validApiKeys or authenticate.",
      )
    }
    const short = countShortKeys(settings)
    if (short > 0) {
      logger.warn(
        { short, minKeyLength },
        "Some validApiKeys are short enough to be guessed. Use random keys, for example from `openssl rand -hex 24`.",
      )
    }
    if (settings.operators.ignoresShortKey) {
      logger.warn(
        { minKeyLength },
        "AGENT_GATEWAY_OPERATOR_KEY is too short, so it opens nothing. Use a random key, for example from " +
          "`openssl rand -hex 24`.",
      )
    }
  }
}

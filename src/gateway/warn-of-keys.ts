import type { Logger } from "../core/ports/logger.ts"
import { minKeyLength, readKey } from "../http/auth/api-keys.ts"
import { knowsUsers } from "../http/options.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"

/** The options that decide which keys the gateway accepts. */
export type KeySettings = Pick<ResolvedServer, "validApiKeys" | "authenticate">

/** Returns a function that warns of missing and of short API keys. Only its first call logs anything. */
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
    const short = (settings.validApiKeys ?? []).filter((key) => readKey(key).length < minKeyLength).length
    if (short === 0) return
    logger.warn(
      { short, minKeyLength },
      "Some validApiKeys are short enough to be guessed. Use random keys, for example from `openssl rand -hex 24`.",
    )
  }
}

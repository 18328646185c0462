import { existsSync } from "node:fs"
import { isPostgresUrl } from "../../adapters/stores/options.ts"
import { createDataDirectory } from "../../adapters/stores/sqlite/database/data-directory.ts"
import { ConfigurationError } from "../../core/errors.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { createLogger } from "../../platform/logging/logger.ts"
import { openStore } from "../service/open-store.ts"

/**
 * Opens a store that servers may use at the same time. Rejects with a `ConfigurationError` if no gateway has stored
 * anything there, because a command that creates a store would find nothing in it.
 */
export async function openExistingStore(store: string): Promise<Store> {
  if (!isPostgresUrl(store) && !existsSync(createDataDirectory(store).database)) {
    throw new ConfigurationError(
      `No gateway has its data in ${store}: give its data directory or postgres:// URL with --store.`,
    )
  }
  return openStore(
    { store, durability: "process" },
    { clock: systemClock, logger: createLogger({ level: "warn" }) },
  )
}

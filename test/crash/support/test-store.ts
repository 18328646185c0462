import { openPostgresStore } from "../../../src/adapters/stores/postgres/open.ts"
import { openSqliteStore } from "../../../src/adapters/stores/sqlite/open.ts"
import type { Logger } from "../../../src/core/ports/logger.ts"
import type { Store } from "../../../src/core/ports/store/store.ts"
import type { Clock } from "../../../src/core/time/clock.ts"

/**
 * Milliseconds after its last heartbeat at which other processes consider a Postgres process dead. Also the
 * milliseconds after its start from which a process judges others.
 */
export const postgresTtlMs = 2_000

/** Opens the store at a `postgres://` URL or in a data directory. */
export function openTestStore(
  store: string,
  options: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  return store.startsWith("postgres://")
    ? openPostgresStore({ ...options, url: store, ttlMs: postgresTtlMs })
    : openSqliteStore({ ...options, path: store })
}

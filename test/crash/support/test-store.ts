import type { Logger } from "../../../src/core/ports/logger.ts"
import type { Store } from "../../../src/core/ports/store.ts"
import type { Clock } from "../../../src/core/time/clock.ts"
import { openPostgresStore } from "../../../src/stores/postgres/open.ts"
import { openSqliteStore } from "../../../src/stores/sqlite/open.ts"

/**
 * A Postgres process is dead to others this long after its last heartbeat, and judges others this long after its
 * start.
 */
export const postgresTtlMs = 2_000

/** The store of a `postgres://` URL or of a data directory. */
export function openTestStore(
  store: string,
  options: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  return store.startsWith("postgres://")
    ? openPostgresStore({ ...options, url: store, ttlMs: postgresTtlMs })
    : openSqliteStore({ ...options, path: store })
}

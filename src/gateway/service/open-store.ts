import { isPostgresUrl, type ResolvedStoreOptions, type StoreOptions } from "../../adapters/stores/options.ts"
import { openPostgresStore } from "../../adapters/stores/postgres/open.ts"
import { type PostgresOptions, resolvePostgresOptions } from "../../adapters/stores/postgres/options.ts"
import { openMemoryStore, openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Store, StoreOpener, WholeStore } from "../../core/ports/store/store.ts"
import type { Clock } from "../../core/time/clock.ts"

/**
 * Keeps all data in a directory of this machine. The directory is created if it is missing. It must not be on a
 * network file system.
 */
export function sqliteStore(path: string): StoreOpener<WholeStore> {
  return { open: (parts) => openSqliteStore({ path, ...parts }) }
}

/**
 * Keeps all data in a Postgres database, which several processes can share. `pg` parses `url`. Throws a
 * `ConfigurationError` if an option is wrong.
 */
export function postgresStore(url: string, options: PostgresOptions = {}): StoreOpener<WholeStore> {
  const resolved = resolvePostgresOptions(options)
  return { open: (parts) => openPostgresStore({ url, options: resolved, ...parts }) }
}

const inMemory: StoreOpener<WholeStore> = { open: ({ clock, logger }) => openMemoryStore({ clock, logger }) }

/** Keeps all data in memory. It is lost when the gateway closes. */
export function memoryStore(): StoreOpener<WholeStore> {
  return inMemory
}

/** Returns true if the data of the store is lost when the gateway closes. */
export function isMemoryStore(store: StoreOptions["store"]): boolean {
  return store === "memory" || store === inMemory
}

export async function openStore(
  { store, durability }: ResolvedStoreOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  const chosen = typeof store === "string" ? storeNamed(store) : store
  if ("open" in chosen) return chosen.open({ clock, logger, durability })
  return { ...chosen, close: () => Promise.resolve() }
}

/** Returns the store of a data directory, of a `postgres://` URL, or of `memory`. */
export function storeNamed(name: string): StoreOpener<WholeStore> {
  if (name === "memory") return memoryStore()
  return isPostgresUrl(name) ? postgresStore(name) : sqliteStore(name)
}

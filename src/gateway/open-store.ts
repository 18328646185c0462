import type { Logger } from "../core/ports/logger.ts"
import type { Store, StoreOpener } from "../core/ports/store.ts"
import type { Clock } from "../core/time/clock.ts"
import { openPostgresStore } from "../stores/postgres/open.ts"
import { openMemoryStore, openSqliteStore } from "../stores/sqlite/open.ts"

export interface StoreChoice {
  /**
   * `sqliteStore(path)`, `postgresStore(url)` or `memoryStore()`; or a text that stands for one of them: the path of a
   * data directory, a `postgres://` URL, or `"memory"`. A `Store` that the application opened is not closed with the
   * gateway. Default: `.agent-gateway` in the working directory.
   */
  readonly store?: string | StoreOpener | Store | undefined
  /** `process` survives the end of the process, `full` the loss of power too, at some cost. Default `process`. */
  readonly durability?: "process" | "full"
}

export const defaultStore = ".agent-gateway"

/** Keeps all data in a directory of this machine, which is made when it is missing. Not for network file systems. */
export function sqliteStore(path: string): StoreOpener {
  return { open: (parts) => openSqliteStore({ path, ...parts }) }
}

/** Keeps all data in a Postgres database, which several processes can share. `url` is as `pg` reads it. */
export function postgresStore(url: string): StoreOpener {
  return { open: (parts) => openPostgresStore({ url, ...parts }) }
}

/** Keeps all data in memory. It is lost when the gateway closes. */
export function memoryStore(): StoreOpener {
  return { open: ({ clock, logger }) => openMemoryStore({ clock, logger }) }
}

export async function openStore(
  { store = defaultStore, durability = "process" }: StoreChoice,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  const chosen = typeof store === "string" ? storeNamed(store) : store
  if ("open" in chosen) return chosen.open({ clock, logger, durability })
  return { ...chosen, close: () => Promise.resolve() }
}

export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:\/\//.test(store)
}

function storeNamed(name: string): StoreOpener {
  if (name === "memory") return memoryStore()
  return isPostgresUrl(name) ? postgresStore(name) : sqliteStore(name)
}

import type { Logger } from "../core/ports/logger.ts"
import type { Store } from "../core/ports/store.ts"
import type { Clock } from "../core/time/clock.ts"
import { openPostgresStore } from "../stores/postgres/open.ts"
import { openMemoryStore, openSqliteStore } from "../stores/sqlite/open.ts"

export interface StoreChoice {
  /**
   * `"memory"`, a `postgres://` URL, the path of a data directory, or a store of one's own, which is then not closed
   * with the gateway. Default: `.agent-gateway` in the working directory.
   */
  readonly store?: string | Store | undefined
  /** `process` survives the end of the process, `full` the loss of power too, at some cost. Default `process`. */
  readonly durability?: "process" | "full"
}

export const defaultStore = ".agent-gateway"

export async function chooseStore(
  { store = defaultStore, durability = "process" }: StoreChoice,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Store> {
  if (typeof store === "object") return { ...store, close: () => Promise.resolve() }
  if (store === "memory") return openMemoryStore({ clock, logger })
  if (isPostgresUrl(store)) return openPostgresStore({ url: store, clock, logger, durability })
  return openSqliteStore({ path: store, clock, logger, durability })
}

export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:\/\//.test(store)
}

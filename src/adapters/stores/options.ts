import { z } from "zod"
import type { Store, StoreOpener } from "../../core/ports/store/store.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"

/** Options of the gateway's data storage. */
export interface StoreOptions {
  /**
   * `sqliteStore(path)`, `postgresStore(url)` or `memoryStore()`, or a text for one of them: the path of a data
   * directory, a `postgres://` URL, or `"memory"`. The gateway does not close a `Store` that the application opened.
   * Default: `.agent-gateway` in the working directory.
   */
  readonly store?: string | StoreOpener | Store | undefined
  /**
   * With `process`, stored data survives the end of the process. With `full`, it also survives power loss, at some
   * cost. Default `process`.
   */
  readonly durability?: "process" | "full"
}

/** Prevents a misspelled word or the address of another database from becoming the name of a directory. */
const store = z.custom<NonNullable<StoreOptions["store"]>>((value) => {
  if (typeof value !== "string") return typeof value === "object" && value !== null
  if (value === "memory" || isPostgresUrl(value)) return true
  return /[/\\.]/.test(value) && !/^[a-z][\w+.-]*:\/\//i.test(value)
}, 'expected "memory", a path with a slash or a dot, a postgres:// URL, or a store such as sqliteStore(path)')

/** Default data directory. */
export const defaultStore = ".agent-gateway"

export const storeOptions = declareOptions<StoreOptions>()({
  store: store.default(defaultStore),
  durability: z.enum(["process", "full"]).default("process"),
})

export type ResolvedStoreOptions = Resolved<StoreOptions, typeof storeOptions>

export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:\/\//.test(store)
}

import { z } from "zod"
import type { Store, StoreOpener } from "../core/ports/store.ts"
import { declareOptions, type Resolved } from "../options/declare-options.ts"

/** Options of the place where a gateway keeps its data. */
export interface StoreOptions {
  /**
   * `sqliteStore(path)`, `postgresStore(url)` or `memoryStore()`; or a text that stands for one of them: the path of a
   * data directory, a `postgres://` URL, or `"memory"`. A `Store` that the application opened is not closed with the
   * gateway. Default: `.agent-gateway` in the working directory.
   */
  readonly store?: string | StoreOpener | Store | undefined
  /** `process` survives the end of the process, `full` the loss of power too, at some cost. Default `process`. */
  readonly durability?: "process" | "full"
}

/** A misspelled word or the address of another database must not become the name of a folder. */
const store = z.custom<NonNullable<StoreOptions["store"]>>((value) => {
  if (typeof value !== "string") return typeof value === "object" && value !== null
  if (value === "memory" || isPostgresUrl(value)) return true
  return /[/\\.]/.test(value) && !/^[a-z][\w+.-]*:\/\//i.test(value)
}, 'expected "memory", a path with a slash or a dot, a postgres:// URL, or a store such as sqliteStore(path)')

/** Data directory of gateways that name no store. */
export const defaultStore = ".agent-gateway"

export const storeOptions = declareOptions<StoreOptions>()({
  store: store.default(defaultStore),
  durability: z.enum(["process", "full"]).default("process"),
})

export type ResolvedStoreOptions = Resolved<StoreOptions, typeof storeOptions>

export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:\/\//.test(store)
}

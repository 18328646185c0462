import { formatPath } from "./format-path.ts"

/** A fact that an agent has stored about the user. Times are in seconds since the Unix epoch. */
export interface StoredMemory {
  readonly name: string
  readonly entity_type: string
  readonly content: string
  readonly tags: readonly string[]
  /** Session and run that stored it. Null if code stored it. */
  readonly session_id: string | null
  readonly run_id: string | null
  readonly created_at: number
  readonly updated_at: number
  /** Null if it does not expire. */
  readonly expires_at: number | null
}

export interface MemoriesPage {
  readonly memories: readonly StoredMemory[]
  /** The `after` of the next page. Null after the last one. */
  readonly next: string | null
}

export interface MemoriesQuery {
  /** Words to search for. Default: the memories are listed by type and name. */
  readonly query?: string
  readonly entityType?: string
  readonly tag?: string
  readonly after?: string
  /** Maximum number of memories of the page. Default 50; 5 with `query`. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** One memory, or all memories with a name. `all` must be true to forget everything. */
export type ForgetQuery = { readonly signal?: AbortSignal } & (
  | { readonly name: string; readonly entityType?: string }
  | { readonly all: true }
)

/** Returns the path and the query of a request for memories. */
export function formatMemoriesPath({ query, entityType, tag, after, limit }: MemoriesQuery): string {
  return formatPath("/memory", { query, entity_type: entityType, tag, after, limit })
}

/**
 * Returns the path and the query of a request that forgets. Throws a `TypeError` if the query neither names memories
 * nor has `all`.
 */
export function forgetPath(query: ForgetQuery): string {
  if ("all" in query && query.all) return "/memory"
  // Without a name, the request would delete all memories of the user.
  if (!("name" in query) || !query.name) throw new TypeError("forget() needs a name, or all: true.")
  return formatPath("/memory", { name: query.name, entity_type: query.entityType })
}

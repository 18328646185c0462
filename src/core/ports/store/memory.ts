import type { Principal } from "./session-log.ts"

/**
 * Facts that outlive sessions. Each memory belongs to one scope, and is unique in it by type and name. Methods that
 * read or change single memories see one scope only, and no expired memories. Bounds apply to all scopes of a
 * principal together.
 */
export interface Memory {
  /**
   * Stores a memory, and replaces the one of the same type and name. `full`: the memory would exceed the bounds.
   * `changed`: the stored memory has another revision than `expected`. `revoked`: the session that it comes from was
   * revoked. In these cases nothing is stored.
   */
  remember(memory: NewMemory, options: RememberOptions): Promise<RememberOutcome>
  /** Resolves to null if there is no such memory. */
  get(scope: MemoryScope, key: MemoryKey): Promise<MemoryRecord | null>
  /** Returns the most relevant memories, the best first. Without a text and a vector, returns the newest first. */
  recall(scope: MemoryScope, query: RecallQuery): Promise<readonly FoundMemory[]>
  /**
   * Lists memories by type and name. Pages are stable: a memory that exists from the first page to the last is listed
   * exactly once.
   */
  list(scope: MemoryScope, query: MemoryListQuery): Promise<MemoryPage>
  /** Lists the scopes that have memories, at most `limit`, by tenant, user and agent. */
  owners(query: MemoryOwnersQuery): Promise<readonly OwnedMemories[]>
  /** `changed`: the stored memory has another revision than `expected`, and is kept. */
  forget(
    scope: MemoryScope,
    key: MemoryKey,
    options?: { readonly expected?: string },
  ): Promise<"forgotten" | "unknown" | "changed">
  /** Deletes the scope's memories of this name, whatever their types. Resolves to their number. */
  forgetNamed(scope: MemoryScope, name: string): Promise<number>
  /** Deletes all memories of the scope, or of the principal if there is no `agent`. Resolves to their number. */
  forgetAll(owner: Principal & { readonly agent?: string | null }): Promise<number>
  /** Deletes memories that have expired, at most `limit`. Resolves to their number. */
  prune(limit: number): Promise<number>
  /**
   * Overwrites what deleted memories have left in the files of the store, which takes time. Rejects with
   * `store_unavailable` if that is not possible now. Missing if the database itself decides when that happens.
   */
  readonly erase?: () => Promise<void>
}

/** The memories of one agent about a principal. With `agent` null, the memories that all agents share. */
export interface MemoryScope extends Principal {
  readonly agent: string | null
}

export interface MemoryOwnersQuery {
  /** The last scope of the previous page. Default: the first page. */
  readonly after?: MemoryScope
  /** Only scopes of this tenant. */
  readonly tenant?: string
  readonly limit: number
}

export interface OwnedMemories extends MemoryScope {
  /** Number of memories. */
  readonly count: number
  /** Time of the newest one, in milliseconds since the Unix epoch. */
  readonly updatedAt: number
}

export interface MemoryKey {
  readonly entityType: string
  readonly name: string
}

/** The session and the run in which a memory was stored. */
export interface MemoryOrigin {
  readonly sessionId: string
  readonly runId: string
}

/** Numbers that represent the meaning of a text. Vectors of different models are not compared. */
export interface MemoryVector {
  readonly model: string
  readonly values: readonly number[]
}

export interface NewMemory extends MemoryKey {
  readonly scope: MemoryScope
  readonly content: string
  readonly tags: readonly string[]
  /** Null if code stored it, or if it comes from a file. */
  readonly origin: MemoryOrigin | null
  /** Null for a memory that is found only by its text. */
  readonly vector: MemoryVector | null
  /** Milliseconds after which it expires. Null to keep it. */
  readonly ttlMs: number | null
}

export interface MemoryRecord extends MemoryKey {
  readonly content: string
  readonly tags: readonly string[]
  readonly origin: MemoryOrigin | null
  /** Changes with each write. A value is never used again. */
  readonly revision: string
  /** Time by the store's clock, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
}

/** A memory that a query found. */
export interface FoundMemory extends MemoryRecord {
  /**
   * Relevance for the query. A larger score is better. Scores of different queries are not comparable. Null without a
   * text and a vector.
   */
  readonly score: number | null
}

export interface MemoryBounds {
  /** Maximum number of memories of a principal. */
  readonly maxMemories: number
  /** Maximum bytes of the types, names, contents and tags of a principal's memories. */
  readonly maxBytes: number
}

export interface RememberOptions {
  readonly bounds: MemoryBounds
  /** Revision of the memory to replace. Null if there must be no such memory. Default: any. */
  readonly expected?: string | null
}

export type RememberOutcome =
  | { readonly status: "created"; readonly memory: MemoryRecord }
  | { readonly status: "updated"; readonly memory: MemoryRecord; readonly replaced: MemoryRecord }
  | { readonly status: "full"; readonly bound: keyof MemoryBounds }
  | { readonly status: "changed" | "revoked" }

/** Filters of a list. A memory must match all of them. */
export interface MemoryFilter {
  readonly entityType?: string
  /** Tags that a memory must have, all of them. */
  readonly tags?: readonly string[]
}

export interface RecallQuery extends MemoryFilter {
  /** Words of which a memory must have at least one, unless its vector is close. */
  readonly text?: string
  readonly vector?: MemoryVector
  /** Maximum number of memories. */
  readonly limit: number
}

export interface MemoryListQuery extends MemoryFilter {
  /** The `next` of the previous page. Default: the first page. */
  readonly after?: MemoryKey
  /** Maximum number of memories of the page. */
  readonly limit: number
}

export interface MemoryPage {
  readonly memories: readonly MemoryRecord[]
  /** The position at which to continue. Null after the last page. */
  readonly next: MemoryKey | null
}

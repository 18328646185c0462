import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type {
  FoundMemory,
  Memory,
  MemoryBounds,
  MemoryFilter,
  MemoryKey,
  MemoryOrigin,
  MemoryPage,
  MemoryRecord,
  MemoryScope,
} from "../../core/ports/store/memory.ts"
import { checkContent, checkKey, checkTags, memoryLimits } from "./check-memory.ts"
import { embedText } from "./embed.ts"
import type { MemorySettings } from "./options.ts"

/** The memories of one scope. */
export interface Memories {
  /**
   * Stores a memory, and replaces the one of the same type and name. Rejects with a `GatewayError`: `invalid_memory`,
   * `memory_full`, `memory_changed` if the stored memory has another revision than `expected`, `session_revoked`.
   */
  remember(memory: MemoryInput, options?: CallOptions): Promise<RememberedMemory>
  /** Changes the content, the tags or both. Rejects as `remember` does, and with `memory_not_found`. */
  update(change: MemoryChange, options?: CallOptions): Promise<MemoryRecord>
  /** Returns the most relevant memories, the best first. Without a query, returns the newest first. */
  recall(query?: MemoryQuery, options?: CallOptions): Promise<readonly FoundMemory[]>
  /** Resolves to null if there is no such memory. */
  get(key: MemoryName): Promise<MemoryRecord | null>
  /** Lists one page of memories by type and name. `next` is the `after` of the next page. */
  list(query?: MemoryListOptions): Promise<MemoryPage>
  /**
   * Deletes the memory; without `entityType`, all memories with this name. Resolves to their number. Rejects with
   * `memory_changed` if the memory has another revision than `expected`.
   */
  forget(key: ForgetOptions): Promise<number>
  /** Deletes all memories of the scope. Resolves to their number. */
  forgetAll(): Promise<number>
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface MemoryName {
  readonly name: string
  /** Default `note`. */
  readonly entityType?: string
}

export interface MemoryInput extends MemoryName {
  readonly content: string
  /** Default none. */
  readonly tags?: readonly string[]
  /** Default: none. Memories of tools have the session and the run. */
  readonly origin?: MemoryOrigin
  /** Revision of the memory to replace. Null if there must be no such memory. Default: any. */
  readonly expected?: string | null
}

export interface RememberedMemory {
  readonly memory: MemoryRecord
  /** The replaced memory. Null if there was none. */
  readonly replaced: MemoryRecord | null
}

export interface MemoryChange extends MemoryName {
  readonly content?: string
  readonly tags?: readonly string[]
  readonly origin?: MemoryOrigin
}

export interface MemoryQuery extends MemoryFilter {
  /** Words to search for. */
  readonly query?: string
  /** Default 5, at most 50. */
  readonly limit?: number
}

export interface MemoryListOptions extends MemoryFilter {
  readonly after?: MemoryKey
  /** Default 50, at most 200. */
  readonly limit?: number
}

export interface ForgetOptions {
  readonly name: string
  /** Default: any. */
  readonly entityType?: string
  /** Revision that the memory must have. Allowed only with `entityType`. Default: any. */
  readonly expected?: string
}

export interface MemoriesParts {
  readonly store: Memory
  readonly settings: MemorySettings
  readonly logger: Logger
}

const defaultRecall = 5
const maxRecall = 50
const defaultPage = 50
const maxPage = 200
/** Maximum attempts of an update while others change the same memory. */
const maxAttempts = 5

/** Creates the memories of a scope, with validation and bounds. */
export function createMemories(scope: MemoryScope, { store, settings, logger }: MemoriesParts): Memories {
  const { embeddings, maxContentBytes, maxMemories, maxBytes, retentionMs: ttlMs } = settings
  const bounds: MemoryBounds = { maxMemories, maxBytes }
  const memories: Memories = {
    async remember({ content, tags = [], origin, expected, ...key }, { signal } = {}) {
      const checked = {
        ...checkKey(key),
        content: checkContent(content, maxContentBytes),
        tags: checkTags(tags),
      }
      const text = `${checked.name}\n${checked.content}`
      const vector = await embedText(text, { embeddings, signal, logger })
      signal?.throwIfAborted()
      const outcome = await store.remember(
        { scope, ...checked, origin: origin ?? null, vector, ttlMs },
        { bounds, ...(expected !== undefined && { expected }) },
      )
      switch (outcome.status) {
        case "created":
          return { memory: outcome.memory, replaced: null }
        case "updated":
          return outcome
        case "full":
          throw createFullError(bounds, outcome.bound)
        case "changed":
          throw createChangedError()
        case "revoked":
          throw new GatewayError(
            { code: "session_revoked", status: 409 },
            "The session was revoked. The memory was not stored.",
          )
        default:
          return outcome satisfies never
      }
    },
    async update({ content, tags, origin, ...name }, options) {
      const key = checkKey(name)
      for (let attempt = 1; ; attempt++) {
        const stored = await store.get(scope, key)
        if (stored === null) throw createNotFoundError()
        const changed = { content: content ?? stored.content, tags: tags ?? stored.tags }
        const input = { ...key, ...changed, expected: stored.revision, ...(origin && { origin }) }
        try {
          return (await memories.remember(input, options)).memory
        } catch (error) {
          const hasChanged = error instanceof GatewayError && error.code === "memory_changed"
          if (!hasChanged || attempt === maxAttempts) throw error
        }
      }
    },
    async recall({ query = "", limit = defaultRecall, ...filter } = {}, { signal } = {}) {
      const text = query.trim().slice(0, memoryLimits.query)
      const vector = text === "" ? null : await embedText(text, { embeddings, signal, logger })
      return store.recall(scope, {
        ...filter,
        limit: Math.max(1, Math.min(limit, maxRecall)),
        ...(text !== "" && { text }),
        ...(vector !== null && { vector }),
      })
    },
    get: (name) => store.get(scope, checkKey(name)),
    list: ({ limit = defaultPage, ...query } = {}) =>
      store.list(scope, { ...query, limit: Math.max(1, Math.min(limit, maxPage)) }),
    async forget({ name, entityType, expected }) {
      const checked = checkKey({ name, ...(entityType !== undefined && { entityType }) })
      if (entityType === undefined) return store.forgetNamed(scope, checked.name)
      const options = expected === undefined ? {} : { expected }
      const outcome = await store.forget(scope, checked, options)
      if (outcome === "changed") throw createChangedError()
      return outcome === "forgotten" ? 1 : 0
    },
    forgetAll: () => store.forgetAll(scope),
  }
  return memories
}

function createFullError({ maxMemories, maxBytes }: MemoryBounds, bound: keyof MemoryBounds): GatewayError {
  const most = bound === "maxMemories" ? `${maxMemories} memories` : `${maxBytes} bytes of memories`
  return new GatewayError(
    { code: "memory_full", status: 413 },
    `The user already has ${most}, which is the maximum. Nothing was stored. Forget a memory that is no longer needed.`,
  )
}

function createChangedError(): GatewayError {
  return new GatewayError(
    { code: "memory_changed", status: 409, retryable: true },
    "The memory has changed since it was read. Read it again.",
  )
}

export function createNotFoundError(): GatewayError {
  return new GatewayError({ code: "memory_not_found", status: 404 }, "There is no such memory.")
}

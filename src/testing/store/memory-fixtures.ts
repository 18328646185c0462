import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { Memory, MemoryScope, NewMemory, RecallQuery } from "../../core/ports/store/memory.ts"

/** Bounds that no case crosses by accident. */
export const bounds = { maxMemories: 100, maxBytes: 100_000 }

/** Returns a new scope, so that cases do not affect each other. */
export function createMemoryScope(options: Partial<MemoryScope> = {}): MemoryScope {
  return { tenant: "tenant", userId: `user_${randomIds.next("key")}`, agent: null, ...options }
}

/** Returns a memory whose content is its name by default. */
export function createMemory(scope: MemoryScope, name: string, options: Partial<NewMemory> = {}): NewMemory {
  const rest = { entityType: "note", content: name, tags: [], origin: null, vector: null, ttlMs: null }
  return { scope, name, ...rest, ...options }
}

/** Stores memories that must be accepted, one after the other. */
export async function rememberAll(memory: Memory, memories: readonly NewMemory[]): Promise<void> {
  for (const each of memories) {
    const { status } = await memory.remember(each, { bounds })
    assert.ok(status === "created" || status === "updated", `The memory was not stored: ${status}.`)
  }
}

export async function recallNames(
  memory: Memory,
  scope: MemoryScope,
  query: Partial<RecallQuery>,
): Promise<readonly string[]> {
  return (await memory.recall(scope, { limit: 10, ...query })).map(({ name }) => name)
}

export async function listNames(memory: Memory, scope: MemoryScope): Promise<readonly string[]> {
  return (await memory.list(scope, { limit: 100 })).memories.map(({ name }) => name)
}

import type { MemoryRecord } from "../../core/ports/store/memory.ts"

/** A memory in the form for clients and models. Times are in seconds since the Unix epoch. */
export interface WireMemory {
  readonly name: string
  readonly entity_type: string
  readonly content: string
  readonly tags: readonly string[]
  readonly session_id: string | null
  readonly run_id: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number | null
}

export function toWireMemory(memory: MemoryRecord): WireMemory {
  const { name, entityType, content, tags, origin, createdAt, updatedAt, expiresAt } = memory
  return {
    name,
    entity_type: entityType,
    content,
    tags,
    session_id: origin?.sessionId ?? null,
    run_id: origin?.runId ?? null,
    created_at: toSeconds(createdAt),
    updated_at: toSeconds(updatedAt),
    expires_at: expiresAt === null ? null : toSeconds(expiresAt),
  }
}

/** A memory in the form for the model. */
export interface ShownMemory {
  readonly name: string
  readonly entity_type: string
  readonly content: string
  readonly tags: readonly string[]
  readonly updated_at: string
}

function toShownMemory({ name, entityType, content, tags, updatedAt }: MemoryRecord): ShownMemory {
  return { name, entity_type: entityType, content, tags, updated_at: new Date(updatedAt).toISOString() }
}

/** Returns the first memories whose JSON has at most `maxBytes` bytes. */
export function selectFitting(memories: readonly MemoryRecord[], maxBytes: number): readonly ShownMemory[] {
  const shown: ShownMemory[] = []
  let bytes = 0
  for (const memory of memories.map(toShownMemory)) {
    bytes += Buffer.byteLength(JSON.stringify(memory)) + 1
    if (bytes > maxBytes) break
    shown.push(memory)
  }
  return shown
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

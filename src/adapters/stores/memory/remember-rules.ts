import type {
  MemoryBounds,
  MemoryRecord,
  RememberOptions,
  RememberOutcome,
} from "../../../core/ports/store/memory.ts"

/** The memories of a principal that have not expired. */
export interface MemoryTotals {
  readonly count: number
  readonly bytes: number
}

/** The stored memory of the same scope, type and name. */
export interface StoredMemory {
  readonly memory: MemoryRecord
  readonly bytes: number
}

export interface RememberFacts {
  readonly stored: StoredMemory | null
  readonly totals: MemoryTotals
  /** Size of the new memory. */
  readonly bytes: number
  /** True if the session of the memory was revoked. */
  readonly isRevoked: boolean
}

/** Returns the reason why a memory is not stored. Null if it is stored. */
export function findRefusal(
  { stored, totals, bytes, isRevoked }: RememberFacts,
  { bounds, expected }: RememberOptions,
): Extract<RememberOutcome, { status: "full" | "changed" | "revoked" }> | null {
  if (isRevoked) return { status: "revoked" }
  if (expected !== undefined && expected !== (stored?.memory.revision ?? null)) return { status: "changed" }
  const bound = findExceededBound({ stored, totals, bytes }, bounds)
  return bound === null ? null : { status: "full", bound }
}

/**
 * Returns the bound that the memory exceeds. A memory that does not grow is always stored, so that lowered bounds do
 * not lock existing memories.
 */
function findExceededBound(
  { stored, totals, bytes }: Omit<RememberFacts, "isRevoked">,
  { maxMemories, maxBytes }: MemoryBounds,
): keyof MemoryBounds | null {
  if (stored === null && totals.count >= maxMemories) return "maxMemories"
  const growth = bytes - (stored?.bytes ?? 0)
  return growth > 0 && totals.bytes + growth > maxBytes ? "maxBytes" : null
}

/** Returns the outcome of a stored memory. */
export function createStoredOutcome(memory: MemoryRecord, stored: StoredMemory | null): RememberOutcome {
  return stored === null
    ? { status: "created", memory }
    : { status: "updated", memory, replaced: stored.memory }
}

import type { DiskUsage } from "../workspace/usage.ts"
import type { DiskSpace } from "./space.ts"

/** Bytes that each process has written to file systems since it started. */
export type WrittenBytes = Readonly<Record<string, number>>

/** Charges an execution for files that it hides, whose size no one can read. */
export interface Charge {
  /** Records that the execution hides nothing. Without `written`, what its processes wrote before still counts. */
  clear(usage: DiskUsage, space: DiskSpace, written?: WrittenBytes): void
  /** Returns the most that the execution can hold: at least `seen`, which is what can be measured. */
  chargeFor(seen: DiskUsage, space: DiskSpace, written: WrittenBytes): DiskUsage
}

const none: DiskUsage = { bytes: 0, entries: 0 }

/**
 * Two counts bound what an execution has hidden since it was last seen to hide nothing, and the larger one is
 * charged. The bytes that its processes wrote do not depend on others, but the kernel forgets processes that ended
 * and that no one waited for, and some file systems (tmpfs, FUSE) do not count. What the file system lost includes
 * all writes, but not those for which others freed as much.
 */
export function createCharge(): Charge {
  let spaceThen: { readonly usage: DiskUsage; readonly space: DiskSpace } | null = null
  let writtenThen: { readonly usage: DiskUsage; readonly written: WrittenBytes } = {
    usage: none,
    written: {},
  }

  return {
    clear(usage, space, written) {
      spaceThen = { usage, space }
      if (written !== undefined) writtenThen = { usage, written }
    },

    chargeFor(seen, space, written) {
      const byWrites = writtenThen.usage.bytes + writtenSince(writtenThen.written, written)
      const { usage, space: before } = spaceThen ?? { usage: none, space }
      const lost = lostBetween(before, space)
      return {
        bytes: Math.max(seen.bytes, byWrites, usage.bytes + lost.bytes),
        entries: Math.max(seen.entries, usage.entries + lost.entries),
      }
    },
  }
}

/** Counts what a child wrote again when its parent has waited for it, because the kernel then adds it to the parent. */
function writtenSince(before: WrittenBytes, now: WrittenBytes): number {
  return Object.entries(now).reduce((sum, [key, bytes]) => sum + Math.max(0, bytes - (before[key] ?? 0)), 0)
}

/** Returns how much less is free now. Not every file system counts entries; then both counts are infinite. */
export function lostBetween(before: DiskSpace, now: DiskSpace): DiskUsage {
  return {
    bytes: decrease(before.freeBytes, now.freeBytes),
    entries: decrease(before.freeEntries, now.freeEntries),
  }
}

function decrease(before: number, now: number): number {
  return before === now ? 0 : Math.max(0, before - now)
}

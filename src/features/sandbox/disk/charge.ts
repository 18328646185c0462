import type { DiskUsage } from "../workspace/disk-usage.ts"
import type { DiskSpace } from "./space.ts"

/** Bytes that each process has written to file systems since it started. */
export type WrittenBytes = Readonly<Record<string, number>>

/** Charges an execution for hidden files, whose size no process can read. */
export interface Charge {
  /** Records that the execution hides nothing. Without `written`, earlier writes of its processes still count. */
  clear(usage: DiskUsage, space: DiskSpace, written?: WrittenBytes): void
  /** Returns the maximum that the execution may hold. It is at least `seen`, the measured part. */
  chargeFor(seen: DiskUsage, space: DiskSpace, written: WrittenBytes): DiskUsage
}

const none: DiskUsage = { bytes: 0, entries: 0 }

/**
 * Creates the charge of an execution. Two counts bound the data that an execution has hidden since it last hid
 * nothing, and the larger one is charged. The bytes that its processes wrote do not depend on other processes, but
 * the kernel forgets processes that ended without being awaited, and some file systems (tmpfs, FUSE) do not count.
 * The space that the file system lost includes all writes, except those for which others freed the same amount.
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
      const byWrites = writtenThen.usage.bytes + countWrittenSince(writtenThen.written, written)
      const { usage, space: before } = spaceThen ?? { usage: none, space }
      const lost = measureLoss(before, space)
      return {
        bytes: Math.max(seen.bytes, byWrites, usage.bytes + lost.bytes),
        entries: Math.max(seen.entries, usage.entries + lost.entries),
      }
    },
  }
}

/**
 * Returns the bytes written since then. A child's writes count again after its parent has awaited it, because the
 * kernel then adds them to the parent.
 */
function countWrittenSince(before: WrittenBytes, now: WrittenBytes): number {
  return Object.entries(now).reduce((sum, [key, bytes]) => sum + Math.max(0, bytes - (before[key] ?? 0)), 0)
}

/**
 * Returns the decrease of the free space. Not every file system counts entries. If it does not, both counts are
 * infinite.
 */
export function measureLoss(before: DiskSpace, now: DiskSpace): DiskUsage {
  return {
    bytes: decrease(before.freeBytes, now.freeBytes),
    entries: decrease(before.freeEntries, now.freeEntries),
  }
}

function decrease(before: number, now: number): number {
  return before === now ? 0 : Math.max(0, before - now)
}

import type { Stats } from "node:fs"
import { walk } from "./walk.ts"

/** A file without content takes up an inode, and those run out too. */
export const leastBytes = 4096
const blockBytes = 512

/** Returns the space that an entry takes of the disk, not its apparent size: a hole takes nothing. */
export function bytesOnDisk({ blocks }: Stats): number {
  return Math.max(blocks * blockBytes, leastBytes)
}

/** Disk usage of a working directory, or a limit of it. */
export interface DiskUsage {
  readonly bytes: number
  /** Files, folders and everything else that has a name. */
  readonly entries: number
}

export function isWithin(usage: DiskUsage, quota: DiskUsage): boolean {
  return usage.bytes <= quota.bytes && usage.entries <= quota.entries
}

/**
 * Measures a working directory. Resolves to "over" for one that takes more than the quota or that cannot be measured:
 * its folders are too deep, or code closes them as fast as they are opened. Looks no further than it must.
 */
export async function measureUsage(
  path: string,
  quota: DiskUsage,
  signal: AbortSignal,
): Promise<DiskUsage | "over"> {
  let bytes = 0
  let entries = 0
  const outcome = await walk(
    path,
    ({ stats }) => {
      bytes += bytesOnDisk(stats)
      entries += 1
      return bytes <= quota.bytes && entries <= quota.entries
    },
    signal,
  )
  return outcome === "done" ? { bytes, entries } : "over"
}

import type { Stats } from "node:fs"
import { walk } from "./walk.ts"

/** Minimum bytes of an entry. A file without content uses an inode, and inodes are limited too. */
export const leastBytes = 4096
const blockBytes = 512

/** Returns the disk space that an entry uses, not its apparent size. A hole uses none. */
export function computeBytesOnDisk({ blocks }: Stats): number {
  return Math.max(blocks * blockBytes, leastBytes)
}

/** Disk usage of a working directory, or a limit for it. */
export interface DiskUsage {
  readonly bytes: number
  /** Number of files, folders and other named entries. */
  readonly entries: number
}

export function isWithin(usage: DiskUsage, quota: DiskUsage): boolean {
  return usage.bytes <= quota.bytes && usage.entries <= quota.entries
}

/**
 * Measures a working directory. Resolves to "over" if it exceeds the quota or cannot be measured, because its folders
 * are too deep, or because code removes permissions as fast as they are restored. Reads no more than necessary.
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
      bytes += computeBytesOnDisk(stats)
      entries += 1
      return bytes <= quota.bytes && entries <= quota.entries
    },
    signal,
  )
  return outcome === "done" ? { bytes, entries } : "over"
}

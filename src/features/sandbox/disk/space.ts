import { statfs } from "node:fs/promises"
import type { DiskUsage } from "../workspace/disk-usage.ts"

/** Free space of a file system. */
export interface DiskSpace {
  readonly freeBytes: number
  /** Number of entries that can still be created. Infinity for a file system that does not count them. */
  readonly freeEntries: number
  /** Bytes that stay free for the rest of the machine. */
  readonly reservedBytes: number
  /** Missing space for the rest of the machine, including the gateway's store. */
  readonly missing: DiskUsage
  /** Remaining space beyond that. Infinite entries for a file system that does not count them. */
  readonly spare: DiskUsage
  /** Space to free beyond the missing space, so that the next small file does not fill the disk again. */
  readonly margin: DiskUsage
}

/** Bytes reserved for the rest of the machine. On a small file system, the reserve is a share of it. */
const reserveBytes = 256 * 1024 * 1024
const reserveEntries = 10_000
const reserveShare = 0.05
/** Share of the reserve that is added to it as a margin. */
const marginShare = 0.25

export async function readDiskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(path)
  const freeBytes = bavail * bsize
  const freeEntries = files === 0 ? Number.POSITIVE_INFINITY : ffree
  const reserve = {
    bytes: Math.min(reserveBytes, blocks * bsize * reserveShare),
    entries: Math.min(reserveEntries, files * reserveShare),
  }
  return {
    freeBytes,
    freeEntries,
    reservedBytes: Math.floor(reserve.bytes),
    missing: {
      bytes: Math.ceil(Math.max(0, reserve.bytes - freeBytes)),
      entries: Math.ceil(Math.max(0, reserve.entries - freeEntries)),
    },
    spare: {
      bytes: Math.floor(Math.max(0, freeBytes - reserve.bytes)),
      entries: Math.floor(Math.max(0, freeEntries - reserve.entries)),
    },
    margin: {
      bytes: Math.ceil(reserve.bytes * marginShare),
      entries: Math.ceil(reserve.entries * marginShare),
    },
  }
}

export function isShort({ missing }: DiskSpace): boolean {
  return missing.bytes > 0 || missing.entries > 0
}

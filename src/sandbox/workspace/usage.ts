import type { Stats } from "node:fs"
import { walk } from "./walk.ts"

/** A file without content takes up an inode, and those run out too. */
const leastBytes = 4096
const blockBytes = 512

/** What an entry takes of the disk, not how large it seems: a hole takes nothing. */
export function bytesOnDisk({ blocks }: Stats): number {
  return Math.max(blocks * blockBytes, leastBytes)
}

/** Also true for a tree that cannot be measured: too deep, or closed. Looks no further than it must. */
export async function isOverQuota(path: string, quota: number): Promise<boolean> {
  let bytes = 0
  const outcome = await walk(path, ({ stats }) => {
    bytes += bytesOnDisk(stats)
    return bytes <= quota
  })
  return outcome !== "done"
}

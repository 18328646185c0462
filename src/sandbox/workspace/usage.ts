import type { Stats } from "node:fs"
import { statfs } from "node:fs/promises"
import { walk } from "./walk.ts"

/** A file without content takes up an inode, and those run out too. */
export const leastBytes = 4096
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

/** Left to the rest of the machine, the gateway's store included; less on a small disk. */
const reserveBytes = 256 * 1024 * 1024
const reserveShare = 0.05

/**
 * Whether the disk itself is about to be full. Many sessions may fill it together, and one alone with files that it has
 * deleted and holds open, which no quota of a folder sees.
 */
export async function isDiskShort(path: string): Promise<boolean> {
  const { bavail, blocks, bsize } = await statfs(path)
  return bavail * bsize < Math.min(reserveBytes, blocks * bsize * reserveShare)
}

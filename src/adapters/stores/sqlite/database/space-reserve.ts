import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Bytes to keep free for the next start. SQLite needs 32 kB for the index of its write-ahead log before it can read
 * anything (https://www.sqlite.org/walformat.html#the_wal_index_file_format).
 */
const reserveBytes = 64 * 1024

/** A file that takes up space, so that a gateway can start and serve reads while the disk is full. */
export interface SpaceReserve {
  /** Creates the file if it is missing. Does nothing while the disk is full. */
  keep(): void
  /** Deletes the file. Returns false if there was none. */
  release(): boolean
}

export function createSpaceReserve(directory: string): SpaceReserve {
  const file = join(directory, "reserve")
  return {
    keep() {
      if (existsSync(file)) return
      try {
        writeFileSync(file, new Uint8Array(reserveBytes), { mode: 0o600 })
      } catch (error) {
        if (!isFull(error)) throw error
        // The next start would treat a partial file as a complete one.
        rmSync(file, { force: true })
      }
    },
    release() {
      if (!existsSync(file)) return false
      rmSync(file, { force: true })
      return true
    },
  }
}

function isFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : ""
  return code === "ENOSPC" || code === "EDQUOT"
}

import { DatabaseSync } from "node:sqlite"
import { toError } from "../core/errors.ts"

/** An exclusive lock that one connection holds on a small file. */
export interface FileLock {
  /** Safe to call more than once. The file stays: whoever deletes it decides when that is safe. */
  release(): void
}

/** The transaction only takes the lock: it never writes, and needs no journal file. */
const takeLock = "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"
/** SQLITE_BUSY, SQLITE_LOCKED and SQLITE_PROTOCOL, https://www.sqlite.org/rescode.html */
const busyCodes: ReadonlySet<number> = new Set([5, 6, 15])

/**
 * Takes the lock, or returns null if another connection holds it, in this process or another one. Creates the file if
 * it is missing. The operating system drops the lock with the process, however the process ends. A process id in a
 * file would not do: ids are reused, and each container has its own.
 */
export function tryLock(file: string): FileLock | null {
  let connection: DatabaseSync | null = null
  try {
    connection = new DatabaseSync(file, { timeout: 0 })
    connection.exec(takeLock)
  } catch (error) {
    connection?.close()
    if (isBusy(error)) return null
    throw toError(error)
  }
  const held = connection
  return {
    release() {
      if (held.isOpen) held.close()
    },
  }
}

function isBusy(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? error.errcode : 0
  return typeof code === "number" && busyCodes.has(code & 0xff)
}

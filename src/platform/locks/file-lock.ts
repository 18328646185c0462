import type { DatabaseSync } from "node:sqlite"
import { toError } from "../../core/errors.ts"
import { sleep } from "../../core/time/sleep.ts"
import { computeBackoff } from "../backoff/backoff.ts"
import { loadSqlite } from "../node/load-sqlite.ts"

/** An exclusive lock that one connection holds on a small file. */
export interface FileLock {
  /** Releases the lock. It is safe to call it more than once. The file stays. Its owner decides when to delete it. */
  release(): void
}

/** The transaction only acquires the lock. It never writes, so it needs no journal file. */
const beginExclusive = "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"
const longestWaitMs = 10_000
const backoff = { firstMs: 1, maxMs: 75 }
/** SQLITE_BUSY, SQLITE_LOCKED and SQLITE_PROTOCOL, https://www.sqlite.org/rescode.html */
const busyCodes: ReadonlySet<number> = new Set([5, 6, 15])

/**
 * Acquires the lock. Returns null if another connection holds it, in this process or in another one. Creates the file
 * if it is missing. The operating system releases the lock when the process ends, for any reason. A process id in a
 * file would not be enough, because ids are reused, and each container has its own ids.
 */
export function tryLock(file: string): FileLock | null {
  const { DatabaseSync } = loadSqlite()
  let connection: DatabaseSync | null = null
  try {
    connection = new DatabaseSync(file, { timeout: 0 })
    connection.exec(beginExclusive)
  } catch (error) {
    connection?.close()
    if (isBusy(error)) return null
    throw toError(error)
  }
  const heldConnection = connection
  return {
    release() {
      if (heldConnection.isOpen) heldConnection.close()
    },
  }
}

/** Waits for the lock. Resolves to null if others hold it for ten seconds. Rejects when the signal aborts. */
export async function takeLock(file: string, signal: AbortSignal): Promise<FileLock | null> {
  const ends = performance.now() + longestWaitMs
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    const lock = tryLock(file)
    if (lock !== null || performance.now() > ends) return lock
    await sleep(computeBackoff(tries, backoff), signal)
  }
}

function isBusy(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? error.errcode : 0
  return typeof code === "number" && busyCodes.has(code & 0xff)
}

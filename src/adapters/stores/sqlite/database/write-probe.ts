import { statfs } from "node:fs/promises"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import { schemaVersion } from "../migrate.ts"
import type { Database } from "./database.ts"

/** Minimum free bytes. With less, a run can hardly be stored. */
const leastFreeBytes = 1024 * 1024
/** Milliseconds for which an outcome is reused, because anyone may request the readiness. */
const repeatedForMs = 1_000

/**
 * Checks that the database can be read and written. Rejects with `StoreUnavailableError` if it cannot, or if the disk
 * is full. `directory` is null for a database in memory.
 */
export function createWriteProbe(
  database: Database,
  clock: Clock,
  directory: string | null,
): () => Promise<void> {
  let recent: { readonly at: number; readonly outcome: Promise<void> } | null = null
  const probe = async () => {
    if (directory !== null) await requireSpace(directory)
    // The statement writes the existing value: one page in the write-ahead log.
    await database.write(() => database.run(`PRAGMA user_version = ${schemaVersion}`))
  }
  return () => {
    const now = clock.now()
    if (recent === null || Math.abs(now - recent.at) >= repeatedForMs) recent = { at: now, outcome: probe() }
    return recent.outcome
  }
}

async function requireSpace(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize >= leastFreeBytes) return
  throw new StoreUnavailableError({ detail: `The disk of ${directory} is full. Free some space on it.` })
}

import { randomUUID } from "node:crypto"
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

/** This process among those that use the same directory of sandboxes. What it starts carries both ids as a label. */
export interface Instance {
  /** The directory's: what other directories' gateways have started is not ours to reap. */
  readonly directoryId: string
  readonly id: string
  /** Whether the process of that id is still there. */
  isLive(id: string): boolean
  end(): void
}

/** A lock is nothing but a lock: nothing is ever written. */
const takeLock = "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"
/** SQLITE_BUSY */
const busy = 5

/**
 * Each process holds an exclusive SQLite lock on a small file of its own. The operating system drops it with the
 * process, however that ends, so a process is dead exactly when its lock can be taken or its file is gone. A pid would
 * not do: it is reused, and means something else in each container.
 */
export function joinInstances(directory: string): Instance {
  const locks = join(directory, "instances")
  mkdirSync(locks, { recursive: true, mode: 0o700 })
  const fileOf = (id: string) => join(locks, `${id}.lock`)
  const { id, lock } = lockOwnFile(fileOf)
  return {
    directoryId: directoryIdOf(directory),
    id,
    isLive: (other) => other === id || isLocked(locks, `${other}.lock`),
    end() {
      if (!lock.isOpen) return
      rmSync(fileOf(id), { force: true })
      lock.close()
    },
  }
}

function lockOwnFile(fileOf: (id: string) => string): { readonly id: string; readonly lock: DatabaseSync } {
  for (;;) {
    const id = randomUUID()
    const lock = new DatabaseSync(fileOf(id), { timeout: 0 })
    lock.exec(takeLock)
    // Between the two calls another process may have taken the file for a dead one's, and deleted it.
    if (existsSync(fileOf(id))) return { id, lock }
    lock.close()
  }
}

/** Forgets instances that are dead. Only after what they left has been reaped. */
export function forgetDeadInstances(directory: string, instance: Instance): void {
  const locks = join(directory, "instances")
  for (const name of readdirSync(locks)) {
    const id = name.replace(/\.lock$/, "")
    if (!instance.isLive(id)) rmSync(join(locks, name), { force: true })
  }
}

function isLocked(locks: string, name: string): boolean {
  if (!existsSync(join(locks, name))) return false
  let probe: DatabaseSync | null = null
  try {
    probe = new DatabaseSync(join(locks, name), { timeout: 0 })
    probe.exec(takeLock)
    return false
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === busy) return true
    throw error
  } finally {
    probe?.close()
  }
}

/** Made by whoever is first; of several at once, one wins and all read its id. */
function directoryIdOf(directory: string): string {
  const file = join(directory, "id")
  const passing = join(directory, `id-${randomUUID()}`)
  writeFileSync(passing, randomUUID(), { mode: 0o600 })
  try {
    linkSync(passing, file)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
  } finally {
    rmSync(passing)
  }
  return readFileSync(file, "utf8")
}

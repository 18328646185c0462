import { randomUUID } from "node:crypto"
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hasCode } from "../../core/errors.ts"
import { type FileLock, tryLock } from "../../platform/locks/file-lock.ts"

/**
 * This process among the processes with the same sandbox directory. Everything that it starts has both ids as a
 * label.
 */
export interface Instance {
  /** The id of the directory. Leftovers of gateways with other directories must not be removed. */
  readonly directoryId: string
  readonly id: string
  /** Returns true if the process with that id is still running. */
  isLive(id: string): boolean
  end(): void
}

/**
 * Joins the instances of a directory. Each process holds a lock on a small file of its own, so it is dead exactly
 * when its lock is free or its file is gone.
 */
export function joinInstances(directory: string): Instance {
  const locks = join(directory, "instances")
  mkdirSync(locks, { recursive: true, mode: 0o700 })
  const toFilePath = (id: string) => join(locks, `${id}.lock`)
  const { id, lock } = lockOwnFile(toFilePath)
  return {
    directoryId: readDirectoryId(directory),
    id,
    isLive: (other) => other === id || isLocked(locks, `${other}.lock`),
    end() {
      rmSync(toFilePath(id), { force: true })
      lock.release()
    },
  }
}

function lockOwnFile(fileOf: (id: string) => string): { readonly id: string; readonly lock: FileLock } {
  for (;;) {
    const id = randomUUID()
    const lock = tryLock(fileOf(id))
    // Before the lock was acquired, another process may have found the file unlocked, and deleted it.
    if (lock !== null && existsSync(fileOf(id))) return { id, lock }
    lock?.release()
  }
}

/** Forgets dead instances. It must be called only after their leftovers have been removed. */
export function forgetDeadInstances(directory: string, instance: Instance): void {
  const locks = join(directory, "instances")
  for (const name of readdirSync(locks)) {
    const id = name.replace(/\.lock$/, "")
    if (!instance.isLive(id)) rmSync(join(locks, name), { force: true })
  }
}

function isLocked(locks: string, name: string): boolean {
  if (!existsSync(join(locks, name))) return false
  const lock = tryLock(join(locks, name))
  lock?.release()
  return lock === null
}

/**
 * Returns the id of the directory. The first process creates it. If several start at once, one wins and all read its
 * id.
 */
function readDirectoryId(directory: string): string {
  const file = join(directory, "id")
  const passing = join(directory, `id-${randomUUID()}`)
  writeFileSync(passing, randomUUID(), { mode: 0o600 })
  try {
    linkSync(passing, file)
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error
  } finally {
    rmSync(passing)
  }
  return readFileSync(file, "utf8")
}

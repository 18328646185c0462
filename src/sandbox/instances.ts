import { randomUUID } from "node:crypto"
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type FileLock, tryLock } from "../locks/file-lock.ts"

/** This process among those that use the same directory of sandboxes. What it starts carries both ids as a label. */
export interface Instance {
  /** The directory's: what other directories' gateways have started is not ours to reap. */
  readonly directoryId: string
  readonly id: string
  /** Returns true if the process of that id is still there. */
  isLive(id: string): boolean
  end(): void
}

/**
 * Each process holds a lock on a small file of its own, so it is dead exactly when its lock can be taken or its file
 * is gone.
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
      rmSync(fileOf(id), { force: true })
      lock.release()
    },
  }
}

function lockOwnFile(fileOf: (id: string) => string): { readonly id: string; readonly lock: FileLock } {
  for (;;) {
    const id = randomUUID()
    const lock = tryLock(fileOf(id))
    // While the lock was taken, another process may have found the file without one, and deleted it.
    if (lock !== null && existsSync(fileOf(id))) return { id, lock }
    lock?.release()
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
  const lock = tryLock(join(locks, name))
  lock?.release()
  return lock === null
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

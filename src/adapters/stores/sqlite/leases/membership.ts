import { randomUUID } from "node:crypto"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import { logVersion } from "../../../../core/log/entries.ts"
import { type FileLock, tryLock } from "../../../../platform/locks/file-lock.ts"
import { toStoreError } from "../database/failures.ts"

/** This process as an owner of leases. */
export interface Membership {
  /**
   * Id of the owner. It contains the version that the process reads, because other processes find it in the name of
   * its file.
   */
  readonly id: string
  /**
   * Returns true if the owner with this id still holds its leases (rule 8). Must not be called inside a transaction.
   */
  isLive(owner: string): boolean
  /** Returns the newest version that all live members read (rule 14). Must not be called inside a transaction. */
  versionOfAll(): number
  /** Ends the membership. From then on, this owner is dead to all others. */
  end(): void
}

/** Returns the membership for a database that no other process can open. */
export function createSoleMembership(reads = logVersion): Membership {
  const id = createId(reads)
  return { id, isLive: (owner) => owner === id, versionOfAll: () => reads, end: () => undefined }
}

function createId(reads: number): string {
  return `${randomUUID()}.reads-${reads}`
}

/** Returns the version in an id. */
function readVersion(id: string): number {
  return Number(/\.reads-(\d+)$/.exec(id)?.[1] ?? 0)
}

/**
 * Joins the members of a data directory. Every member holds a lock on a small file of its own, so an owner is dead
 * exactly when its lock is free or its file is gone.
 */
export async function joinMembers(directory: string, reads = logVersion): Promise<Membership> {
  const { id, lock } = await lockOwnFile(directory, reads)
  const isLive = (owner: string) => owner === id || isLocked(lockFile(directory, owner))
  const membership: Membership = {
    id,
    isLive,
    versionOfAll() {
      const older = listIds(directory).filter((other) => readVersion(other) < reads)
      return Math.min(reads, ...older.filter(isLive).map(readVersion))
    },
    end() {
      rmSync(lockFile(directory, id), { force: true })
      lock.release()
    },
  }
  sweep(directory, membership)
  return membership
}

async function lockOwnFile(directory: string, reads: number): Promise<{ id: string; lock: FileLock }> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const id = createId(reads)
    const lock = tryStoreLock(lockFile(directory, id))
    // Before the lock was acquired, another process may have deleted the file as that of a dead process.
    if (lock !== null && existsSync(lockFile(directory, id))) return { id, lock }
    lock?.release()
    await delay(1)
  }
  throw new StoreUnavailableError({ detail: `no lock could be taken in ${directory}` })
}

/**
 * Checks one member's lock. Deletes the file of a dead member when no process can mistake it for that of a live one.
 */
function isLocked(file: string): boolean {
  if (!existsSync(file)) return false
  const lock = tryStoreLock(file)
  // The lock may also be held by another process that checks it now. That process, or the next check, will take over.
  if (lock === null) return true
  try {
    rmSync(file, { force: true })
  } finally {
    lock.release()
  }
  return false
}

function tryStoreLock(file: string): FileLock | null {
  try {
    return tryLock(file)
  } catch (error) {
    throw toStoreError(error)
  }
}

function sweep(directory: string, membership: Membership): void {
  for (const id of listIds(directory)) membership.isLive(id)
}

function listIds(directory: string): readonly string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".lock"))
  return files.map((name) => name.slice(0, -".lock".length))
}

function lockFile(directory: string, id: string): string {
  return join(directory, `${id}.lock`)
}

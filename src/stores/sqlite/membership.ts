import { randomUUID } from "node:crypto"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as delay } from "node:timers/promises"
import { logVersion } from "../../core/entries.ts"
import { StoreUnavailableError } from "../../core/errors.ts"
import { oldestReader } from "../versions.ts"
import { isBusy, toStoreError } from "./failures.ts"

/** This process as an owner of leases. */
export interface Membership {
  /** Tells the version that the process reads: other processes find it in the name of its file. */
  readonly id: string
  /** Returns true if the owner of this id still holds its leases (rule 8). Must not be called inside a transaction. */
  isLive(owner: string): boolean
  /** Returns the newest version that all live members read (rule 14). Must not be called inside a transaction. */
  versionOfAll(): number
  /** From here on this owner is dead to all others. */
  end(): void
}

/** For a database nobody else can open. */
export function soleMembership(reads = logVersion): Membership {
  const id = newId(reads)
  return { id, isLive: (owner) => owner === id, versionOfAll: () => reads, end: () => undefined }
}

function newId(reads: number): string {
  return `${randomUUID()}.reads-${reads}`
}

/** Processes that were built before versions were published have no version in their ids. */
function versionOf(id: string): number {
  return Number(/\.reads-(\d+)$/.exec(id)?.[1] ?? oldestReader)
}

/**
 * Every member holds an exclusive SQLite lock on a small file of its own. The operating system drops it with the
 * process, however that ends, so an owner is dead exactly when its lock can be taken or its file is gone.
 */
export async function joinMembers(directory: string, reads = logVersion): Promise<Membership> {
  const { id, lock } = await lockOwnFile(directory, reads)
  const isLive = (owner: string) => owner === id || isLocked(lockFile(directory, owner))
  const membership: Membership = {
    id,
    isLive,
    versionOfAll() {
      const older = idsIn(directory).filter((other) => versionOf(other) < reads)
      return Math.min(reads, ...older.filter(isLive).map(versionOf))
    },
    end() {
      if (!lock.isOpen) return
      rmSync(lockFile(directory, id), { force: true })
      lock.close()
    },
  }
  sweep(directory, membership)
  return membership
}

/** Nothing is ever written, so no journal file is wanted beside it. */
const takeLock = "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"

async function lockOwnFile(directory: string, reads: number): Promise<{ id: string; lock: DatabaseSync }> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const id = newId(reads)
    let lock: DatabaseSync | null = null
    try {
      lock = new DatabaseSync(lockFile(directory, id), { timeout: 0 })
      lock.exec(takeLock)
      // Another process that swept between the two calls above may have taken the file for a dead one's.
      if (existsSync(lockFile(directory, id))) return { id, lock }
    } catch (error) {
      if (!isBusy(error)) {
        lock?.close()
        throw toStoreError(error)
      }
    }
    lock?.close()
    await delay(1)
  }
  throw new StoreUnavailableError({ detail: `no lock could be taken in ${directory}` })
}

/** Looks at one member's lock; the file of a dead one is deleted, once nobody can take it for a live one. */
function isLocked(file: string): boolean {
  if (!existsSync(file)) return false
  let probe: DatabaseSync | null = null
  try {
    probe = new DatabaseSync(file, { timeout: 0 })
    probe.exec(takeLock)
    rmSync(file, { force: true })
    return false
  } catch (error) {
    // Also when another process is probing it at this moment: that one will take over, or the next look will.
    if (isBusy(error)) return true
    throw toStoreError(error)
  } finally {
    probe?.close()
  }
}

function sweep(directory: string, membership: Membership): void {
  for (const id of idsIn(directory)) membership.isLive(id)
}

function idsIn(directory: string): readonly string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".lock"))
  return files.map((name) => name.slice(0, -".lock".length))
}

function lockFile(directory: string, id: string): string {
  return join(directory, `${id}.lock`)
}

import { randomUUID } from "node:crypto"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as delay } from "node:timers/promises"
import { StoreUnavailableError } from "../../core/errors.ts"
import { isBusy, toStoreError } from "./failures.ts"

/** This process as an owner of leases. */
export interface Membership {
  readonly id: string
  /** Whether the owner of this id still holds its leases (rule 8). Must not be called inside a transaction. */
  isLive(owner: string): boolean
  /** From here on this owner is dead to all others. */
  end(): void
}

/** For a database nobody else can open. */
export function soleMembership(): Membership {
  const id = randomUUID()
  return { id, isLive: (owner) => owner === id, end: () => undefined }
}

/**
 * Every member holds an exclusive SQLite lock on a small file of its own. The operating system drops it with the
 * process, however that ends, so an owner is dead exactly when its lock can be taken or its file is gone.
 */
export async function joinMembers(directory: string): Promise<Membership> {
  const { id, lock } = await lockOwnFile(directory)
  const membership: Membership = {
    id,
    isLive: (owner) => owner === id || isLocked(lockFile(directory, owner)),
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

async function lockOwnFile(directory: string): Promise<{ id: string; lock: DatabaseSync }> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const id = randomUUID()
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
  for (const name of readdirSync(directory)) {
    if (name.endsWith(".lock")) membership.isLive(name.slice(0, -".lock".length))
  }
}

function lockFile(directory: string, id: string): string {
  return join(directory, `${id}.lock`)
}

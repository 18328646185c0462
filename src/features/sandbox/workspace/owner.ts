import { randomInt } from "node:crypto"
import { readFileSync } from "node:fs"
import { access, mkdir, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { hasCode } from "../../../core/errors.ts"

/** The user that runs a session's code, and owns its files. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** User ids that no account has, according to the ranges that other tools of the machine use. */
const wholeRange = { first: 2_000_000_000, last: 2_140_000_000 }
/** User ids inside a user namespace of the usual 65 536, as in a rootless container. */
const smallRange = { first: 20_000, last: 59_999 }

/**
 * Returns true if each session gets its own user: this process is root, and its user namespace has other users,
 * unlike a container without subordinate ids.
 */
export function hasOwnUsers(): boolean {
  return process.getuid?.() === 0 && countUsersInNamespace() > smallRange.last
}

/**
 * Allots a separate user for each session if this process may become another user. Otherwise returns null, and
 * everything belongs to this process's own user. Each id is reserved by a folder of that name in `directory`, so no
 * two sessions ever have the same one.
 */
export async function allotOwner(directory: string): Promise<Owner | null> {
  if (!hasOwnUsers()) return null
  const { first, last } = countUsersInNamespace() > wholeRange.last ? wholeRange : smallRange
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const uid = randomInt(first, last + 1)
    try {
      await mkdir(join(directory, String(uid)))
      return { uid, gid: uid }
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error
    }
  }
  throw new Error(`No free user is left in ${directory}.`)
}

/** Returns true if the user is reserved for a session here. */
export async function isAllotted(directory: string, { uid }: Owner): Promise<boolean> {
  return access(join(directory, String(uid))).then(
    () => true,
    () => false,
  )
}

export async function freeOwner(directory: string, { uid }: Owner): Promise<void> {
  await rmdir(join(directory, String(uid))).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error
  })
}

/**
 * Returns the number of users. Lines are `inside outside count`. Outside any user namespace there is one line, and
 * its count is all of 32 bits.
 */
function countUsersInNamespace(): number {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n")
  return Math.max(
    ...lines.map((line) => {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number)
      return inside + count
    }),
  )
}

import { randomInt } from "node:crypto"
import { readFileSync } from "node:fs"
import { access, mkdir, rmdir } from "node:fs/promises"
import { join } from "node:path"

/** The user that a session's code runs as, and that owns its files. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Users that no account has, by what the machine's other tools allot. */
const wholeRange = { first: 2_000_000_000, last: 2_140_000_000 }
/** Inside a user namespace of the usual 65 536, as in a rootless container. */
const smallRange = { first: 20_000, last: 59_999 }

/**
 * A user of its own for each session, where this process may become another user: as root. Elsewhere null: everything
 * is this process's own user's. Each number is taken by making a folder of that name in `directory`, so no two sessions
 * ever have the same.
 */
export async function allotOwner(directory: string): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null
  const { first, last } = hasAllUsers() ? wholeRange : smallRange
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const uid = randomInt(first, last + 1)
    try {
      await mkdir(join(directory, String(uid)))
      return { uid, gid: uid }
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
    }
  }
  throw new Error(`No free user is left in ${directory}.`)
}

/** Whether the user is one that was taken for a session here. */
export async function isAllotted(directory: string, { uid }: Owner): Promise<boolean> {
  return access(join(directory, String(uid))).then(
    () => true,
    () => false,
  )
}

export async function freeOwner(directory: string, { uid }: Owner): Promise<void> {
  await rmdir(join(directory, String(uid))).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error
  })
}

/** The first line is `inside outside count`; count is all of 32 bits but outside of any user namespace. */
function hasAllUsers(): boolean {
  const [line = ""] = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n")
  return Number(line.trim().split(/\s+/)[2]) > wholeRange.last
}

import { createHash } from "node:crypto"
import type { Dirent } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import { toError } from "../../core/errors.ts"
import { isLeftOut } from "./read-files.ts"

/** Entries and levels beyond which changes go unnoticed. */
const maxEntries = 100_000
const maxDepth = 10

/** Returns a text that differs once a file below one of the folders was added, removed, renamed or written to. */
export async function fingerprintOf(folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256")
  let entriesLeft = maxEntries

  async function visit(folder: string, depth: number): Promise<void> {
    for (const entry of await entriesOf(folder)) {
      if (isLeftOut(entry.name)) continue
      entriesLeft -= 1
      if (entriesLeft < 0) return
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        hash.update(`${path}/\0`)
        if (depth < maxDepth) await visit(path, depth + 1)
      } else hash.update(`${path}\0${await versionOf(path)}\0`)
    }
  }

  for (const folder of folders) await visit(resolve(folder), 0)
  return hash.digest("hex")
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((left, right) => (left.name < right.name ? -1 : 1))
  } catch (error) {
    return unlessGone(error, [])
  }
}

/** Follows links, so that a change of the file that one leads to is noticed. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch (error) {
    return unlessGone(error, "")
  }
}

/** Returns the value for a path that cannot be reached, which the loader reports. */
function unlessGone<Value>(error: unknown, value: Value): Value {
  const { code = "" } = toError(error) as NodeJS.ErrnoException
  if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(code)) return value
  throw error
}

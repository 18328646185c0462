import { createHash } from "node:crypto"
import type { Dirent } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import { toError } from "../../../core/errors.ts"
import { isLeftOut } from "./read-files.ts"

/** Maximum entries and levels. Changes beyond them are not noticed. */
const maxEntries = 100_000
const maxDepth = 10

/** Returns a text that changes when a file below one of the folders is added, removed, renamed or changed. */
export async function computeFingerprint(folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256")
  let entriesLeft = maxEntries

  async function visit(folder: string, depth: number): Promise<void> {
    for (const entry of await listEntries(folder)) {
      if (isLeftOut(entry.name)) continue
      entriesLeft -= 1
      if (entriesLeft < 0) return
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        hash.update(`${path}/\0`)
        if (depth < maxDepth) await visit(path, depth + 1)
      } else hash.update(`${path}\0${await readVersion(path)}\0`)
    }
  }

  for (const folder of folders) await visit(resolve(folder), 0)
  return hash.digest("hex")
}

async function listEntries(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((left, right) => (left.name < right.name ? -1 : 1))
  } catch (error) {
    return ignoreGone(error, [])
  }
}

/** Returns the version of a file. Follows links, so that changes of the linked file are noticed. */
async function readVersion(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch (error) {
    return ignoreGone(error, "")
  }
}

/** Returns the value for a path that cannot be accessed. The loader reports the problem. */
function ignoreGone<Value>(error: unknown, value: Value): Value {
  const { code = "" } = toError(error) as NodeJS.ErrnoException
  if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(code)) return value
  throw error
}

import { randomUUID } from "node:crypto"
import { rm, rmdir } from "node:fs/promises"
import { hasCode } from "../../../core/errors.ts"
import { type Directory, ignoreAbsent, isClosed, openDirectory } from "./directory.ts"

/** Bounds the work if code adds entries faster than they are removed. */
const maxRounds = 100_000

/**
 * Removes a tree of any depth, which code may be changing at the same time. No other user may be able to rename
 * `path` itself. Everything below it is reached through open folders and no link is followed, so replaced entries
 * lead nowhere. Permissions that an owner has removed are restored. Does nothing if there is no such tree. If the
 * signal aborts, rejects with the signal's reason and leaves the rest.
 */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  const top = await openDirectory(path, { followLink: false }).catch(ignoreAbsent)
  if (top === null) return rm(path, { force: true })
  try {
    await emptyFolder(top, signal)
  } finally {
    await top.close()
  }
  await rmdir(path).catch(ignoreAbsent)
}

/**
 * Empties a folder. Moves inner folders up into `top` instead of following them down, so that a deep tree needs no
 * more open files.
 */
async function emptyFolder(top: Directory, signal: AbortSignal | undefined): Promise<void> {
  for (let round = 0; round < maxRounds; round += 1) {
    let isEmpty = true
    for await (const name of top.names()) {
      signal?.throwIfAborted()
      isEmpty = false
      if (!(await unlinkFile(top, name)) && !(await removeIfEmpty(top, name)))
        await emptyInto(top, name, signal)
    }
    if (isEmpty) return
  }
  throw new Error("The folder cannot be emptied, because new entries keep appearing in it.")
}

async function emptyInto(top: Directory, name: string, signal: AbortSignal | undefined): Promise<void> {
  const folder = await top.directory(name)
  if (folder === null) return
  try {
    for await (const child of folder.names()) {
      signal?.throwIfAborted()
      if (!(await unlinkFile(folder, child)) && !(await removeIfEmpty(folder, child))) {
        await moveUp(folder, child, top)
      }
    }
  } finally {
    await folder.close()
  }
  // If entries were added meanwhile, the next round finds them.
  await removeIfEmpty(top, name)
}

/** Removes an empty folder. Resolves to false for a folder that is not empty. */
async function removeIfEmpty(folder: Directory, name: string): Promise<boolean> {
  try {
    await folder.remove(name, "directory").catch(ignoreAbsent)
    return true
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY")) return false
    throw error
  }
}

async function moveUp(folder: Directory, child: string, top: Directory): Promise<void> {
  const move = () => folder.move(child, top, `removing-${randomUUID()}`).catch(ignoreAbsent)
  await move().catch(async (error: unknown) => {
    if (!isClosed(error)) throw error
    // An ordinary user may only move folders that it may write to.
    const closed = await folder.directory(child)
    await closed?.openUp().finally(() => closed.close())
    await move()
  })
}

/** Removes a file. Resolves to false if it is a folder. */
async function unlinkFile(folder: Directory, name: string): Promise<boolean> {
  const unlink = () => folder.remove(name, "file").catch(ignoreAbsent)
  try {
    await unlink().catch(async (error: unknown) => {
      if (!isClosed(error)) throw error
      await folder.openUp()
      await unlink()
    })
    return true
  } catch (error) {
    // POSIX specifies EPERM for a folder, Linux uses EISDIR.
    if (hasCode(error, "EISDIR") || hasCode(error, "EPERM")) return false
    throw error
  }
}

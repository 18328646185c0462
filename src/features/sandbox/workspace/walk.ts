import type { Stats } from "node:fs"
import { type Directory, ignoreAbsent, isClosed, openDirectory } from "./directory.ts"

/** Maximum depth of folders. Deeper ones can hide files from a process that must keep each folder open. */
export const maxDepth = 32

export interface Visited {
  readonly parent: Directory
  readonly name: string
  /** Path of its folder, with a trailing slash. Empty for the root. */
  readonly prefix: string
  readonly stats: Stats
}

/**
 * Visits every entry below `root`, the content of a folder before the folder itself. Stops if `visit` returns false,
 * and resolves to `stopped`. Resolves to `incomplete` if an entry could not be inspected. If the signal aborts,
 * rejects with the signal's reason before the next entry.
 */
export async function walk(
  root: string,
  visit: (entry: Visited) => boolean | Promise<boolean>,
  signal?: AbortSignal,
): Promise<"done" | "stopped" | "incomplete"> {
  signal?.throwIfAborted()
  let incomplete = false
  // Its owner removed its permissions faster than they could be restored.
  const ignoreHidden = (error: unknown): null => {
    if (!isClosed(error)) return ignoreAbsent(error)
    incomplete = true
    return null
  }
  const enter = async (directory: Directory, prefix: string, depth: number): Promise<boolean> => {
    for await (const name of directory.names()) {
      signal?.throwIfAborted()
      const stats = await directory.entry(name).catch(ignoreHidden)
      if (stats === null) continue
      if (stats.isDirectory()) {
        const child = depth === maxDepth ? null : await directory.directory(name).catch(ignoreHidden)
        if (depth === maxDepth) incomplete = true
        if (child !== null && !(await enterFolder(child, `${prefix}${name}/`, depth + 1))) return false
      }
      if (!(await visit({ parent: directory, name, prefix, stats }))) return false
    }
    return true
  }
  const enterFolder = async (child: Directory, prefix: string, depth: number) => {
    try {
      return await enter(child, prefix, depth)
    } catch (error) {
      ignoreHidden(error)
      return true
    } finally {
      await child.close()
    }
  }
  if (!(await enterFolder(await openDirectory(root), "", 1))) return "stopped"
  return incomplete ? "incomplete" : "done"
}

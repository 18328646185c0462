import type { Stats } from "node:fs"
import { type Directory, isAbsent, openDirectory } from "./directory.ts"

/** Folders within folders. Deeper ones are a way to hide files from whoever has to hold each folder open. */
export const maxDepth = 32

export interface Visited {
  readonly parent: Directory
  readonly name: string
  /** Of the folder it is in, with a slash at its end; empty for the root. */
  readonly prefix: string
  readonly stats: Stats
}

/**
 * Visits every entry below `root`, the content of a folder before the folder. Stops when `visit` gives false, and gives
 * `stopped` then, `tooDeep` if there was a folder that it did not enter.
 */
export async function walk(
  root: string,
  visit: (entry: Visited) => boolean | Promise<boolean>,
): Promise<"done" | "stopped" | "tooDeep"> {
  let tooDeep = false
  const enter = async (directory: Directory, prefix: string, depth: number): Promise<boolean> => {
    for await (const name of directory.names()) {
      const stats = await directory.entry(name).catch(nullIfAbsent)
      if (stats === null) continue
      if (stats.isDirectory()) {
        if (depth === maxDepth) tooDeep = true
        else if (!(await within(directory, name, (child) => enter(child, `${prefix}${name}/`, depth + 1))))
          return false
      }
      if (!(await visit({ parent: directory, name, prefix, stats }))) return false
    }
    return true
  }
  const top = await openDirectory(root)
  try {
    const finished = await enter(top, "", 1)
    if (!finished) return "stopped"
    return tooDeep ? "tooDeep" : "done"
  } finally {
    await top.close()
  }
}

async function within(
  parent: Directory,
  name: string,
  use: (child: Directory) => Promise<boolean>,
): Promise<boolean> {
  const child = await parent.directory(name)
  if (child === null) return true
  try {
    return await use(child)
  } finally {
    await child.close()
  }
}

/** It was there when the folder was listed. */
function nullIfAbsent(error: unknown): null {
  if (isAbsent(error)) return null
  throw error
}

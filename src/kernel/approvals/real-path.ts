import { readlink } from "node:fs/promises"
import { dirname, join, parse, sep } from "node:path"

/** The number of links that Linux follows in one path. */
const mostLinks = 40

const separators = sep === "/" ? "/" : /[\\/]/

/**
 * Resolves an absolute path to the file that the system would open. Follows the components one by one as the system
 * does: a link before the `..` behind it, and a link to nothing as its target. A file that does not exist yet
 * resolves to the place where it would be created. Null if the place is unknown: too many links, or `..` behind
 * something that does not exist.
 */
export async function resolveRealPath(path: string): Promise<string | null> {
  const { root } = parse(path)
  const ahead = splitIntoComponents(path.slice(root.length))
  let reached = root
  let exists = true
  let links = 0
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === "..") {
      if (!exists) return null
      reached = dirname(reached)
      continue
    }
    const next = join(reached, part)
    const found: Found = exists ? await lookAt(next) : "missing"
    if (typeof found === "string") {
      exists = found === "there"
      reached = next
      continue
    }
    if (++links > mostLinks) return null
    const { root: start } = parse(found.target)
    if (start !== "") reached = start
    ahead.unshift(...splitIntoComponents(found.target.slice(start.length)))
  }
  return reached
}

type Found = "there" | "missing" | { readonly target: string }

function splitIntoComponents(path: string): string[] {
  return path.split(separators).filter((part) => part !== "" && part !== ".")
}

async function lookAt(path: string): Promise<Found> {
  try {
    return { target: await readlink(path) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EINVAL") return "there"
    if (code === "ENOENT" || code === "ENOTDIR") return "missing"
    throw error
  }
}

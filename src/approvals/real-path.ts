import { readlink } from "node:fs/promises"
import { dirname, join, parse, sep } from "node:path"

/** As many as Linux follows in one path. */
const mostLinks = 40

const separators = sep === "/" ? "/" : /[\\/]/

/**
 * Resolves an absolute path to the place that the system would open, one component at a time as the system does: a
 * link is followed before the `..` behind it, and a link that leads to nothing resolves to its target. What does not
 * exist yet is where it would be made. Null when that cannot be told: too many links, or `..` behind something that
 * does not exist.
 */
export async function realPath(path: string): Promise<string | null> {
  const { root } = parse(path)
  const ahead = componentsOf(path.slice(root.length))
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
    ahead.unshift(...componentsOf(found.target.slice(start.length)))
  }
  return reached
}

type Found = "there" | "missing" | { readonly target: string }

function componentsOf(path: string): string[] {
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

import { isAbsolute, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import type { Interception, Interceptor } from "./interceptor.ts"
import { realPath } from "./real-path.ts"

export interface PathAllowlist {
  /** Directories that calls may reach, with everything below. */
  readonly roots: readonly string[]
  /** Names of the arguments that hold a path or a list of paths, by tool. Tools not named here are let through. */
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** What a relative path is relative to. Default: the first root. */
  readonly workingDirectory?: string
}

/**
 * Denies calls whose paths lead outside the roots, also by `..` or by a symbolic link. It looks before the call: it does
 * not hold off a link that is made between that and the tool's own access.
 */
export function pathAllowlist({
  roots,
  parameters,
  workingDirectory = roots[0] ?? "/",
}: PathAllowlist): Interceptor {
  return async ({ toolName, input }) => {
    const allowed = await Promise.all(roots.map((root) => realPath(resolve(root))))
    for (const name of parameters[toolName] ?? []) {
      for (const path of pathsIn(input[name])) {
        if (path === null) return denial(`${name} is not a path.`)
        const readings = spellingsOf(path)?.flatMap((spelling) => readingsOf(workingDirectory, spelling))
        if (readings === undefined) return denial(`${path} is not a path of the file system.`)
        const targets = await Promise.all(readings.map(realPath))
        if (!targets.every((target) => allowed.some((root) => isWithin(root, target))))
          return denial(`${path} is outside the allowed directories.`)
      }
    }
    return { action: "allow" }
  }
}

function pathsIn(value: unknown): (string | null)[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map((item) => {
    return typeof item === "string" && !item.includes("\0") ? item : null
  })
}

/** One letter and a colon is a drive of Windows, or the beginning of an ordinary name. */
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * Returns the paths that a tool may take the text for: as it is, as a file URL, and decoded as a part of a URL. Undefined
 * for another kind of URL, and for what a shell expands to another user's or another directory's path.
 */
function spellingsOf(text: string): readonly string[] | undefined {
  // The URL parser ignores these characters (https://url.spec.whatwg.org/#concept-basic-url-parser).
  const plain = text.trim().replace(/[\t\r\n]/g, "")
  if (plain.startsWith("~")) return undefined
  if (scheme.test(plain)) {
    try {
      return [fileURLToPath(plain)]
    } catch {
      return undefined
    }
  }
  try {
    return [text, decodeURIComponent(text)]
  } catch {
    // A percent sign that begins no escape: nothing decodes it.
    return [text]
  }
}

/** As the system reads it, links before `..`, and as a tool does that folds `..` away first: neither may lead outside. */
function readingsOf(workingDirectory: string, path: string): readonly string[] {
  const asGiven = isAbsolute(path) ? path : `${resolve(workingDirectory)}${sep}${path}`
  return [asGiven, resolve(asGiven)]
}

function isWithin(root: string | null, target: string | null): boolean {
  if (root === null || target === null) return false
  const path = relative(root, target)
  return path === "" || (path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path))
}

function denial(message: string): Interception {
  return { action: "deny", code: "path_not_allowed", message }
}

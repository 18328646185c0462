import { isAbsolute, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import type { Interception, Interceptor } from "../core/ports/interceptor.ts"
import { realPath } from "./real-path.ts"

export interface PathAllowlist {
  /** Directories that calls may reach, with everything below. */
  readonly roots: readonly string[]
  /**
   * Names of the arguments that hold a path or a list of paths, by tool: by the name that the model knows, or for a
   * tool of an MCP server by its name there. Tools not named here are let through.
   */
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** Folder that relative paths start from. Default: the first root. */
  readonly workingDirectory?: string
}

/**
 * Denies calls whose paths lead outside the roots, also by `..` or by a symbolic link. It looks before the call: it
 * does not hold off a link that is made between that and the tool's own access.
 */
export function pathAllowlist({
  roots,
  parameters,
  workingDirectory = roots[0] ?? "/",
}: PathAllowlist): Interceptor {
  return async ({ toolName, origin, input }) => {
    const allowed = await Promise.all(roots.map((root) => realPath(resolve(root))))
    for (const name of argumentsOf(parameters, toolName, origin?.tool)) {
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

/** A server that lists a tool of the same name changes the name that the model knows, but not the one at the server. */
function argumentsOf(
  parameters: PathAllowlist["parameters"],
  ...names: readonly (string | undefined)[]
): ReadonlySet<string> {
  const lists = names.map((name) =>
    name !== undefined && Object.hasOwn(parameters, name) ? parameters[name] : [],
  )
  return new Set(lists.flatMap((list) => list ?? []))
}

function pathsIn(value: unknown): (string | null)[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map((item) => {
    return typeof item === "string" && !controlCharacter.test(item) ? item : null
  })
}

/** Some tools leave them out, end a path at them, or read a list of paths in lines. */
const controlCharacter = /\p{Cc}/u

/** One letter and a colon is a drive of Windows, or the beginning of an ordinary name. */
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * Returns the paths that a tool may take the text for: as it is, without blanks around it, as a file URL, decoded as
 * a part of a URL, and with the separators of Windows. Undefined for another kind of URL, and for what a shell
 * expands to another user's or another directory's path.
 */
function spellingsOf(text: string): readonly string[] | undefined {
  // Whatever reads a file URL has decoded it.
  const decoded = scheme.test(text.trim()) ? text : decode(text)
  if (controlCharacter.test(decoded)) return undefined
  const spellings = [text, decoded].map(pathsOf)
  return spellings.every((paths) => paths !== undefined) ? spellings.flat() : undefined
}

function pathsOf(text: string): readonly string[] | undefined {
  const plain = text.trim()
  if (plain.startsWith("~")) return undefined
  if (!scheme.test(plain)) return [text, plain, plain.replaceAll("\\", "/")]
  try {
    return [fileURLToPath(plain)]
  } catch {
    return undefined
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that begins no escape: nothing decodes it.
    return text
  }
}

/**
 * As the system reads it, links before `..`, and as a tool does that folds `..` away first: neither may lead outside.
 */
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

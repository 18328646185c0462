import { isAbsolute, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"
import type { Interception, Interceptor } from "../../core/ports/tools/interceptor.ts"
import { resolveRealPath } from "./real-path.ts"

export interface PathAllowlist {
  /** Directories that calls may access, including everything below them. */
  readonly roots: readonly string[]
  /**
   * Names of the arguments with a path or a list of paths, by tool. A key is the name that the model knows, or a
   * tool's name at its MCP server. Calls of other tools are allowed.
   */
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** Directory of relative paths. Default: the first root. */
  readonly workingDirectory?: string
}

/**
 * Denies calls whose paths lead outside the roots, including by `..` or by a symbolic link. The check precedes the
 * call, so it does not prevent a link that is created between the check and the tool's access.
 */
export function pathAllowlist({
  roots,
  parameters,
  workingDirectory = roots[0] ?? "/",
}: PathAllowlist): Interceptor {
  return async ({ toolName, origin, input }) => {
    const allowed = await Promise.all(roots.map((root) => resolveRealPath(resolve(root))))
    for (const name of listArguments(parameters, toolName, origin?.tool)) {
      for (const path of findPaths(input[name])) {
        if (path === null) return createDenial(`${name} is not a path.`)
        const readings = listSpellings(path)?.flatMap((spelling) => listReadings(workingDirectory, spelling))
        if (readings === undefined) return createDenial(`${path} is not a path of the file system.`)
        const targets = await Promise.all(readings.map(resolveRealPath))
        if (!targets.every((target) => allowed.some((root) => isWithin(root, target))))
          return createDenial(`${path} is outside the allowed directories.`)
      }
    }
    return { action: "allow" }
  }
}

/**
 * Returns the arguments with paths. A second server with a tool of the same name changes the name that the model
 * knows, but not the name at the server.
 */
function listArguments(
  parameters: PathAllowlist["parameters"],
  ...names: readonly (string | undefined)[]
): ReadonlySet<string> {
  const lists = names.map((name) =>
    name !== undefined && Object.hasOwn(parameters, name) ? parameters[name] : [],
  )
  return new Set(lists.flatMap((list) => list ?? []))
}

function findPaths(value: unknown): (string | null)[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map((item) => {
    return typeof item === "string" && !controlCharacter.test(item) ? item : null
  })
}

/** Some tools ignore these characters, end a path at them, or read a list of paths in lines. */
const controlCharacter = /\p{Cc}/u

/** One letter and a colon is a drive of Windows, or the start of an ordinary name. */
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * Returns the paths that a tool may read from the text: the text itself, without surrounding spaces, as a file URL,
 * decoded as part of a URL, and with the separators of Windows. Returns undefined for another kind of URL, and for a
 * text that a shell expands to the path of another user or directory.
 */
function listSpellings(text: string): readonly string[] | undefined {
  // Code that reads a file URL has decoded it.
  const decoded = scheme.test(text.trim()) ? text : decode(text)
  if (controlCharacter.test(decoded)) return undefined
  const spellings = [text, decoded].map(splitIntoPaths)
  return spellings.every((paths) => paths !== undefined) ? spellings.flat() : undefined
}

function splitIntoPaths(text: string): readonly string[] | undefined {
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
    // No tool decodes a percent sign that starts no escape.
    return text
  }
}

/**
 * Returns the path as the system reads it, with links before `..`, and as a tool reads it that resolves `..` first.
 * Neither may lead outside.
 */
function listReadings(workingDirectory: string, path: string): readonly string[] {
  const asGiven = isAbsolute(path) ? path : `${resolve(workingDirectory)}${sep}${path}`
  return [asGiven, resolve(asGiven)]
}

function isWithin(root: string | null, target: string | null): boolean {
  if (root === null || target === null) return false
  const path = relative(root, target)
  return path === "" || (path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path))
}

function createDenial(message: string): Interception {
  return { action: "deny", code: "path_not_allowed", message }
}

import { realpath } from "node:fs/promises"
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import type { Interception, Interceptor } from "./interceptor.ts"

export interface PathAllowlist {
  /** Directories that calls may reach, with everything below. */
  readonly roots: readonly string[]
  /** Names of the arguments that hold a path or a list of paths, by tool. Tools not named here are let through. */
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** What a relative path is relative to. Default: the first root. */
  readonly workingDirectory?: string
}

/** Denies calls whose paths lead outside the roots, also by `..` or by a symbolic link. */
export function pathAllowlist({
  roots,
  parameters,
  workingDirectory = roots[0] ?? "/",
}: PathAllowlist): Interceptor {
  return async ({ toolName, input }) => {
    const allowed = await Promise.all(roots.map(real))
    for (const name of parameters[toolName] ?? []) {
      for (const path of pathsIn(input[name])) {
        if (path === null) return denial(`${name} is not a path.`)
        const target = await real(resolve(workingDirectory, path))
        if (!allowed.some((root) => isWithin(root, target)))
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

/** Where the path really is; of one that does not exist yet, where it would be made. */
async function real(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const parent = dirname(absolute)
    if (code !== "ENOENT" || parent === absolute) throw error
    return join(await real(parent), relative(parent, absolute))
  }
}

function isWithin(root: string, target: string): boolean {
  const path = relative(root, target)
  return path === "" || (path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path))
}

function denial(message: string): Interception {
  return { action: "deny", code: "path_not_allowed", message }
}

import { existsSync, mkdirSync } from "node:fs"
import { dirname } from "node:path"

/**
 * Makes the directory and those above it. As mkdir with `recursive`, but for that Node's never ends in file systems where
 * no directory can be made and the answer is ENOENT, such as /proc.
 */
export function makeDirectory(path: string, mode?: number): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent, mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) throw error
  }
}

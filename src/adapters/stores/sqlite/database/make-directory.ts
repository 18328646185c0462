import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

/**
 * Creates the directory and its parents. Node's own `recursive` option never returns in file systems that report
 * ENOENT for every new directory, such as /proc.
 */
export function makeDirectory(path: string, mode?: number): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent, mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!existsSync(path)) throw error
  }
}

/**
 * Creates the directory and its parents. A new directory also gets a `.gitignore`, so that `git add .` stages none of
 * it.
 */
export function makeIgnoredDirectory(path: string, mode?: number): void {
  if (existsSync(path)) return
  makeDirectory(path, mode)
  writeFileSync(join(path, ".gitignore"), "*\n")
}

import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import { resolve } from "node:path"
import type { Program } from "./process-group.ts"

/**
 * Rejects with the reason if there is no such program. The shell that would start it reports this with its own
 * messages: with others if this user cannot read a folder of PATH, and not at all if its output is not read.
 */
export async function requireProgram({ command, env, cwd }: Omit<Program, "args">): Promise<void> {
  const folder = cwd ?? process.cwd()
  if (command.includes("/")) {
    const path = resolve(folder, command)
    const problem = await findProblem(path)
    if (problem !== null) throw new Error(`The program ${path} ${problem}.`)
    return
  }
  // Without PATH the shell searches its own folders.
  if (env.PATH === undefined) return
  for (const place of env.PATH.split(":")) {
    const problem = await findProblem(resolve(folder, place, command))
    if (problem === null) return
  }
  throw new Error(
    `The program ${command} was not found in PATH (${env.PATH}). Install it, or set command to its full path.`,
  )
}

async function findProblem(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null)
  if (stats === null) return "was not found"
  if (!stats.isFile()) return "is not a file"
  const isExecutable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
  return isExecutable ? null : "is not executable by this user"
}

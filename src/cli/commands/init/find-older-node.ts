import { execFile } from "node:child_process"
import { access, constants, realpath } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import type { CliContext } from "../../cli-context.ts"

/** The oldest Node on which an agent runs, as in `engines` of the package. */
export const minimumNode = "22.18.0"
/** Maximum milliseconds in which a Node must print its version. */
const patienceMs = 5_000

export interface MachineNode {
  readonly path: string
  readonly version: string
}

/**
 * Returns the Node that a person's shell starts, if it is too old for an agent, otherwise null. It may be another one
 * than the Node of this process, because `npm` and `npx` put the Node of a project first.
 */
export async function findOlderNode({
  env,
  signal,
}: Pick<CliContext, "env" | "signal">): Promise<MachineNode | null> {
  const path = await findInPath(env.PATH ?? "")
  if (path === null || path === (await realpath(process.execPath))) return null
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { signal, timeout: patienceMs })
    const version = stdout.trim().replace(/^v/, "")
    return isOlder(version, minimumNode) ? { path, version } : null
  } catch {
    signal.throwIfAborted()
    // A program that prints no version in time is not known to be older.
    return null
  }
}

async function findInPath(path: string): Promise<string | null> {
  const name = process.platform === "win32" ? "node.exe" : "node"
  for (const folder of path.split(delimiter)) {
    if (folder === "" || /node_modules[\\/]\.bin[\\/]?$/.test(folder)) continue
    const file = await realpath(join(folder, name)).catch(() => null)
    if (file !== null && (await isExecutable(file))) return file
  }
  return null
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Compares versions of the form `MAJOR.MINOR.PATCH`. A text of another form is not older. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number))
  for (const [index, part] of (b ?? []).entries()) {
    const own = a?.[index] ?? Number.NaN
    if (own !== part) return own < part
  }
  return false
}

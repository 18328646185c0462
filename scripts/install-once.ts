import { existsSync } from "node:fs"
import { mkdir, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"

export interface Installation {
  /** Name of the installed thing, for errors. */
  readonly name: string
  /** Folder with the `node_modules` into which it is installed. */
  readonly folder: string
  /** Milliseconds after which an installation of another process counts as stuck. */
  readonly installMs: number
  /** Resolves to true if all of it is there, in the right version. */
  isComplete(): Promise<boolean>
  install(): Promise<void>
}

/** Installs something that several processes may want at the same time. Resolves when it is installed. */
export async function installOnce({
  name,
  folder,
  installMs,
  isComplete,
  install,
}: Installation): Promise<void> {
  const lock = join(folder, "node_modules/.installing")
  const isInstalled = async () => !existsSync(lock) && (await isComplete())
  if (await isInstalled()) return
  await mkdir(join(folder, "node_modules"), { recursive: true })
  const until = Date.now() + installMs
  while (!(await isLocked(lock))) {
    if (Date.now() > until)
      throw new Error(`Another process installs ${name}. If there is none, remove ${lock}.`)
    await delay(500)
    if (await isInstalled()) return
  }
  try {
    await install()
  } finally {
    await rmdir(lock)
  }
  if (!(await isInstalled())) throw new Error(`The installation of ${name} is not complete.`)
}

async function isLocked(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false
    throw error
  }
}

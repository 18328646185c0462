import { spawn } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

export const root = fileURLToPath(new URL("../../", import.meta.url))

/** Resolves to the compiler's output for the project of a folder. */
export async function typeCheck(folder: string): Promise<string> {
  const compiler = join(root, "node_modules/typescript/bin/tsc")
  const child = spawn(process.execPath, [compiler, "--pretty", "false", "-p", folder])
  return (await Promise.all([text(child.stdout), text(child.stderr)])).join("")
}

/**
 * Creates a folder inside the repository, so that files in it resolve imports like a project that uses the package.
 */
export async function folderInsideRepository(): Promise<string> {
  const cache = join(root, "node_modules/.cache")
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, "documentation-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  return folder
}

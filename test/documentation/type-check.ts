import { spawn } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
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

const entries = {
  "ai-agent-gateway/client": ["src/client/index.ts"],
  "ai-agent-gateway/client/view": ["src/client/view/index.ts"],
  "ai-agent-gateway/react": ["src/client/react/use-agent.ts"],
}

/** Resolves to the compiler's output for files, with the options of a page that `init --template react` makes. */
export async function checkAsPage(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await folderInsideRepository()
  const { compilerOptions } = JSON.parse(
    await readFile(join(root, "templates/react/web/tsconfig.json"), "utf8"),
  )
  const paths = Object.fromEntries(
    Object.entries(entries).map(([name, [path = ""]]) => [name, [join(root, path)]]),
  )
  const config = {
    compilerOptions: { ...compilerOptions, paths, skipLibCheck: true },
    files: Object.keys(files),
  }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config))
  for (const [name, code] of Object.entries(files)) await writeFile(join(folder, name), code)
  return typeCheck(folder)
}

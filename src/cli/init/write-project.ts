import { access, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { CliError } from "../cli-error.ts"
import type { ProjectFile } from "./read-template.ts"

/**
 * Writes the files into the folder, which is created if it is missing. Replaces no file: if one exists, writes none.
 */
export async function writeProject(folder: string, files: readonly ProjectFile[]): Promise<void> {
  const present = await Promise.all(
    files.map(async ({ path }) => ((await exists(join(folder, path))) ? [path] : [])),
  )
  const inTheWay = present.flat()
  if (inTheWay.length > 0) {
    throw new CliError(
      `${folder} already has ${inTheWay.join(", ")}. Nothing was written. ` +
        "Choose another folder, or move the files away.",
    )
  }
  for (const { path, text } of files) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    // Another process may have created it since then.
    await writeFile(file, text, { flag: "wx" })
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return false
    if (code === "ENOTDIR") throw new CliError(`${dirname(path)} is not a folder. Choose another one.`)
    throw error
  }
}

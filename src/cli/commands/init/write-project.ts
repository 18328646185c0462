import { access, constants, copyFile, lstat, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { CliError } from "../../cli-error.ts"
import type { GatewayPackage } from "./find-gateway-package.ts"
import type { ProjectFile } from "./read-template.ts"

/**
 * Writes the files into the folder, which is created if it is missing, and copies the gateway's package file there.
 * Replaces no file: if one exists, writes none.
 */
export async function writeProject(
  folder: string,
  files: readonly ProjectFile[],
  gateway: GatewayPackage,
): Promise<void> {
  const copies = listCopies(folder, gateway)
  const paths = [...files, ...copies].map(({ path }) => path)
  const present = await Promise.all(
    paths.map(async (path) => ((await exists(join(folder, path))) ? [path] : [])),
  )
  const inTheWay = present.flat()
  if (inTheWay.length > 0) {
    throw new CliError(
      `${folder} already has ${inTheWay.join(", ")}. Nothing was written. ` +
        "Choose another folder, or move the files away.",
    )
  }
  await createFolder(folder)
  for (const { path, text } of files) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    // Another process may have created it since then.
    await writeFile(file, text, { flag: "wx" })
  }
  for (const { path, source } of copies) await copyFile(source, join(folder, path), constants.COPYFILE_EXCL)
}

async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "EACCES" && code !== "EROFS") throw error
    throw new CliError(`this user may not write to ${folder}. Nothing was written. Choose another folder.`)
  }
}

interface Copy {
  /** Path relative to the project's folder. */
  readonly path: string
  readonly source: string
}

/** Returns the package file to copy, unless the project has it already or `npm pack` creates it there. */
function listCopies(folder: string, { file }: GatewayPackage): readonly Copy[] {
  if (file === null || file.from.type === "pack") return []
  const source = file.from.path
  return source === join(folder, file.name) ? [] : [{ path: file.name, source }]
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return false
    if (code === "ENOTDIR") throw new CliError(`${dirname(path)} is not a folder. Choose another one.`)
    throw error
  }
}

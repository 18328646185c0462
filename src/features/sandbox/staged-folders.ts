import { randomUUID } from "node:crypto"
import { chmod, mkdir, open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { GatewayError } from "../../core/errors.ts"
import type { ReadOnlyFile, ReadOnlyFolder } from "../../core/ports/tools/sandbox.ts"
import { removeTree } from "./workspace/remove-tree.ts"

/** A read-only folder on the host's disk. */
export interface StagedFolder {
  readonly name: string
  readonly variable: string
  /** Path on the host. */
  readonly path: string
}

/** Returns the path of a read-only folder inside a sandbox. */
export function toMountPoint({ name }: StagedFolder): string {
  return `/mnt/${name}`
}

const maxFolders = 8
const maxPathBytes = 1_024
const namePattern = /^[a-z][a-z0-9-]{0,31}$/
const variablePattern = /^[A-Z][A-Z0-9_]{0,63}$/

/**
 * Writes the read-only folders of an execution below `directory`, and keeps them until `release`. Each execution has
 * its own copy. The user that runs code can read it, but not change it. The owner of the files, which is the gateway's
 * own user, is prevented from changes only by their modes, which it can change.
 */
export async function stageFolders(
  directory: string,
  wanted: readonly ReadOnlyFolder[],
): Promise<{ readonly folders: readonly StagedFolder[]; release(): Promise<void> }> {
  check(wanted)
  const writing = wanted.map(async ({ name, variable, files }) => {
    return { name, variable, path: await write(directory, files) }
  })
  const release = async () => void (await Promise.all(writing.map(remove)))
  try {
    return { folders: await Promise.all(writing), release }
  } catch (error) {
    await release()
    throw error
  }
}

function check(folders: readonly ReadOnlyFolder[]): void {
  const names = folders.map(({ name }) => name)
  const variables = folders.map(({ variable }) => variable)
  const areValid =
    folders.length <= maxFolders &&
    names.every((name) => namePattern.test(name)) &&
    variables.every((variable) => variablePattern.test(variable)) &&
    new Set(names).size === names.length &&
    new Set(variables).size === variables.length
  if (!areValid)
    throw new GatewayError({ code: "invalid_folder", status: 400 }, "A read-only folder is not valid.")
  for (const { path } of folders.flatMap(({ files }) => files)) {
    const steps = path.split("/")
    const isPlain = steps.every(
      (step) => step !== "" && step !== "." && step !== ".." && !step.includes("\0"),
    )
    if (isPlain && Buffer.byteLength(path) <= maxPathBytes) continue
    throw new GatewayError(
      { code: "invalid_path", status: 400 },
      "The path of a read-only file is not allowed.",
    )
  }
}

/** Removes a folder. One that cannot be removed now is removed with the whole directory. */
function remove(folder: Promise<StagedFolder>): Promise<void> {
  return folder.then(({ path }) => removeTree(dirname(path))).catch(() => undefined)
}

/** Writes a folder. Its parent holds nothing else, so that the parent's mode can prevent a move of the folder. */
async function write(directory: string, files: readonly ReadOnlyFile[]): Promise<string> {
  const place = join(directory, randomUUID())
  const root = join(place, "files")
  await mkdir(root, { recursive: true })
  try {
    // Users can open folders by name, but cannot list the existing folders.
    await Promise.all([chmod(dirname(directory), 0o711), chmod(directory, 0o711)])
    const folders = new Set([root])
    for (const { path, content } of files) {
      const file = join(root, path)
      for (let folder = dirname(file); !folders.has(folder); folder = dirname(folder)) folders.add(folder)
      await mkdir(dirname(file), { recursive: true })
      const handle = await open(file, "wx")
      try {
        await handle.writeFile(content)
        // The mode is set after creation because of the umask. Files are executable, because some are scripts.
        await handle.chmod(0o555)
      } finally {
        await handle.close()
      }
    }
    for (const folder of folders) await chmod(folder, 0o555)
    await chmod(place, 0o511)
    return root
  } catch (error) {
    await removeTree(place)
    throw error
  }
}

import { randomUUID } from "node:crypto"
import { chmod, mkdir, open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { GatewayError } from "../../core/errors.ts"
import type { ReadOnlyFolder } from "../../core/ports/tools/sandbox.ts"
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

export interface StageOptions {
  /**
   * If true, executions with the same folder share it. Requires that code cannot change it: a sandbox protects it, or
   * the code runs as another user than the gateway. Otherwise each execution receives its own copy.
   */
  readonly isShared: boolean
}

export interface FolderStage {
  /** Writes the folders unless they exist, and keeps them until `release`. */
  stage(
    folders: readonly ReadOnlyFolder[],
    options: StageOptions,
  ): Promise<{
    readonly folders: readonly StagedFolder[]
    release(): void
  }>
}

/** Maximum bytes of folders that are kept for further executions. */
const maxIdleBytes = 256 * 1024 * 1024
const maxFolders = 8
const maxPathBytes = 1_024
const namePattern = /^[a-z][a-z0-9-]{0,31}$/
const variablePattern = /^[A-Z][A-Z0-9_]{0,63}$/

interface Entry {
  readonly path: Promise<string>
  readonly bytes: number
  users: number
}

/**
 * Keeps the read-only folders of executions below `directory`. The users that run code can read them, but not change
 * them. The owner of the files, which is the gateway's own user, is prevented from changes only by their modes, which
 * it can change.
 */
export function createFolderStage(directory: string): FolderStage {
  /** The shared folders, those used longest ago first. */
  const entries = new Map<string, Entry>()

  function take(folder: ReadOnlyFolder): Entry {
    const entry = entries.get(folder.key) ?? create(folder)
    entries.delete(folder.key)
    entries.set(folder.key, entry)
    entry.users += 1
    return entry
  }

  function create(folder: ReadOnlyFolder): Entry {
    const bytes = folder.files.reduce((sum, { content }) => sum + content.length, 0)
    return { path: write(directory, folder), bytes, users: 0 }
  }

  function giveBack(key: string, entry: Entry): void {
    entry.users -= 1
    // A folder that could not be written is tried again.
    entry.path.catch(() => {
      if (entries.get(key) === entry) entries.delete(key)
    })
    removeIdle()
  }

  function removeIdle(): void {
    let bytes = [...entries.values()].reduce((sum, entry) => sum + entry.bytes, 0)
    for (const [key, entry] of entries) {
      if (bytes <= maxIdleBytes) return
      if (entry.users > 0) continue
      entries.delete(key)
      bytes -= entry.bytes
      remove(entry)
    }
  }

  return {
    async stage(wanted, { isShared }) {
      check(wanted)
      const taken = wanted.map((folder) => ({ ...folder, entry: isShared ? take(folder) : create(folder) }))
      const release = () => {
        for (const { key, entry } of taken) {
          if (isShared) giveBack(key, entry)
          else remove(entry)
        }
      }
      try {
        const folders = await Promise.all(
          taken.map(async ({ name, variable, entry }) => ({ name, variable, path: await entry.path })),
        )
        return { folders, release }
      } catch (error) {
        release()
        throw error
      }
    },
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
function remove({ path }: Entry): void {
  path.then((inner) => removeTree(dirname(inner))).catch(() => undefined)
}

/** Writes a folder. Its parent holds nothing else, so that the parent's mode can prevent a move of the folder. */
async function write(directory: string, { files }: ReadOnlyFolder): Promise<string> {
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

import { constants, type Dir, type Stats } from "node:fs"
import { chmod, type FileHandle, lstat, mkdir, open, opendir, rename, rmdir, unlink } from "node:fs/promises"

/**
 * An open folder that code in a sandbox may be changing at this moment. All operations use the open folder, never a
 * path of several parts, so a part that is replaced by a link in between leads nowhere.
 *
 * Names are Latin-1 strings with a character for each byte, because a file's name need not be UTF-8.
 */
export interface Directory {
  entry(name: string): Promise<Stats>
  /**
   * Opens a folder. Null if it is not a folder, or is a link. If its owner has removed its own permissions, they are
   * restored, so that nothing is hidden, and the working directory can still be used. Throws EACCES if they are
   * removed again meanwhile.
   */
  directory(name: string): Promise<Directory | null>
  /**
   * Opens a regular file. Null if there is none, for a link, and for a file of another owner than the working
   * directory's: such a file is a hard link, which code may not be able to read.
   */
  file(name: string): Promise<FileHandle | null>
  create(name: string): Promise<FileHandle>
  makeDirectory(name: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Moves an entry into another open folder of the same file system. */
  move(name: string, to: Directory, newName: string): Promise<void>
  /** Returns the path of an entry through the open folder. It is valid until the folder is closed. */
  pathOf(name: string): Buffer
  remove(name: string, kind: "file" | "directory"): Promise<void>
  /** Lets the folder's owner change its entries. */
  openUp(): Promise<void>
  names(): AsyncIterable<string>
  chown(uid: number, gid: number): Promise<void>
  close(): Promise<void>
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
/**
 * A Linux constant that Node does not define. It opens a file without its content, and so needs no permission on it.
 */
export const O_PATH = 0o10_000_000
const absent = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"])
/** Errors with which a file's owner can prevent reading: its mode, and a lease on it. */
const closed = new Set(["EACCES", "EAGAIN"])
/** With this mode, a folder's owner may list and open its entries. */
const lookInto = 0o500

/** Opens a folder. Follows links above `path`, which no sandbox can change, and by default `path` itself. */
export async function openDirectory(path: string, { followLink = true } = {}): Promise<Directory> {
  const handle = await openFolder(path, followLink ? 0 : O_NOFOLLOW)
  try {
    return createDirectory(handle, path, (await handle.stat()).uid)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function createDirectory(handle: FileHandle, path: string, owner: number): Directory {
  // On systems other than Linux a folder's open file has no path, and a replaced part could be followed.
  const base = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path
  const toInnerPath = (name: string) => Buffer.from(`${base}/${name}`, "latin1")
  return {
    entry: (name) => lstat(toInnerPath(name)),
    async directory(name) {
      const child = await openFolder(toInnerPath(name), O_NOFOLLOW).catch(ignoreAbsent)
      return child === null ? null : createDirectory(child, `${path}/${name}`, owner)
    },
    async file(name) {
      // Without O_NONBLOCK, opening a named pipe would wait for its other end.
      const flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
      const child = await open(toInnerPath(name), flags).catch((error) => {
        return isClosed(error) ? null : ignoreAbsent(error)
      })
      if (child === null) return null
      const stats = await child.stat()
      if (stats.isFile() && stats.uid === owner) return child
      await child.close()
      return null
    },
    create: (name) => open(toInnerPath(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644),
    makeDirectory: (name) => mkdir(toInnerPath(name), 0o755),
    rename: (from, to) => rename(toInnerPath(from), toInnerPath(to)),
    move: (name, to, newName) => rename(toInnerPath(name), to.pathOf(newName)),
    pathOf: toInnerPath,
    remove: (name, kind) => (kind === "file" ? unlink(toInnerPath(name)) : rmdir(toInnerPath(name))),
    openUp: () => handle.chmod(0o700),
    async *names() {
      const dir: Dir = await opendir(base, { encoding: "latin1", bufferSize: 256 })
      for await (const { name } of dir) yield name
    },
    chown: (uid, gid) => handle.chown(uid, gid),
    close: () => handle.close(),
  }
}

async function openFolder(path: string | Buffer, flags = 0): Promise<FileHandle> {
  const folder = await open(path, O_RDONLY | O_DIRECTORY | flags).catch(async (error) => {
    if (!isClosed(error)) throw error
    return restorePermissions(await open(path, O_PATH | O_DIRECTORY | flags))
  })
  try {
    if (((await folder.stat()).mode & lookInto) !== lookInto) await folder.chmod(0o700)
    return folder
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** Restores the permissions through the open file, and not by its name, which may now be a link. */
async function restorePermissions(place: FileHandle): Promise<FileHandle> {
  const path = `/proc/self/fd/${place.fd}`
  try {
    await chmod(path, 0o700)
    return await open(path, O_RDONLY | O_DIRECTORY)
  } finally {
    await place.close()
  }
}

export function ignoreAbsent(error: unknown): null {
  if (isAbsent(error)) return null
  throw error
}

/** Returns true if a permission is missing that the owner can grant. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && closed.has(String(error.code))
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && absent.has(String(error.code))
}

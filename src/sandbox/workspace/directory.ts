import { constants, type Dir, type Stats } from "node:fs"
import { type FileHandle, lstat, mkdir, open, opendir, rename, rmdir, unlink } from "node:fs/promises"

/**
 * A folder that code in a sandbox may be changing at this moment, held open. Whatever is done in it is done through the
 * open folder, never by a path of several parts: a part that is swapped for a link in between leads nowhere.
 *
 * Names are Latin-1 strings, a character for each byte, because a file's name need not be UTF-8.
 */
export interface Directory {
  entry(name: string): Promise<Stats>
  /** Null if it is no folder, or a link. */
  directory(name: string): Promise<Directory | null>
  /** Null if there is no such regular file, or a link. */
  file(name: string): Promise<FileHandle | null>
  create(name: string): Promise<FileHandle>
  makeDirectory(name: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(name: string, kind: "file" | "directory"): Promise<void>
  names(): AsyncIterable<string>
  chown(uid: number, gid: number): Promise<void>
  close(): Promise<void>
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
const absent = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EACCES"])

/** Follows links up to `path` itself, which no sandbox can change. */
export async function openDirectory(path: string): Promise<Directory> {
  return over(await open(path, O_RDONLY | O_DIRECTORY), path)
}

function over(handle: FileHandle, path: string): Directory {
  // Elsewhere than on Linux a folder's open file has no path, and a swapped part could be followed.
  const base = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path
  const inside = (name: string) => Buffer.from(`${base}/${name}`, "latin1")
  const opened = async (name: string, flags: number) => {
    try {
      return await open(inside(name), flags | O_NOFOLLOW)
    } catch (error) {
      if (isAbsent(error)) return null
      throw error
    }
  }
  return {
    entry: (name) => lstat(inside(name)),
    async directory(name) {
      const child = await opened(name, O_RDONLY | O_DIRECTORY)
      return child === null ? null : over(child, `${path}/${name}`)
    },
    async file(name) {
      // Opening a named pipe would wait for its other end.
      const child = await opened(name, O_RDONLY | O_NONBLOCK)
      if (child === null || (await child.stat()).isFile()) return child
      await child.close()
      return null
    },
    create: (name) => open(inside(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644),
    makeDirectory: (name) => mkdir(inside(name), 0o755),
    rename: (from, to) => rename(inside(from), inside(to)),
    remove: (name, kind) => (kind === "file" ? unlink(inside(name)) : rmdir(inside(name))),
    async *names() {
      const dir: Dir = await opendir(base, { encoding: "latin1", bufferSize: 256 })
      for await (const { name } of dir) yield name
    },
    chown: (uid, gid) => handle.chown(uid, gid),
    close: () => handle.close(),
  }
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && absent.has(String(error.code))
}

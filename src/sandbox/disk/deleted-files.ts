import type { Stats } from "node:fs"
import { open, readdir, stat } from "node:fs/promises"
import { hasCode } from "../workspace/directory.ts"
import { bytesOnDisk, type DiskUsage } from "../workspace/usage.ts"

/** More mappings than a program needs take too long to read. */
const maxMappings = 20_000
const gone = ["ENOENT", "ESRCH", "ENOTDIR"]

/**
 * Measures the deleted files that the processes of a working directory's code still hold: they take room until they are
 * closed, but have no name by which a walk could find them. A file that is only mapped counts with the size of its
 * mappings. Files in flight between two sockets are not seen. Resolves to "over" for what cannot be measured.
 */
export async function measureDeletedFiles(path: string, signal: AbortSignal): Promise<DiskUsage | "over"> {
  const files = new Map<number, number>()
  const workspace = await stat(path)
  const isRoot = process.getuid?.() === 0
  // Code never runs as root, so no process can be at work in a folder of root's.
  if (process.platform === "linux" && !(isRoot && workspace.uid === 0)) {
    for (const pid of await readdir("/proc")) {
      signal.throwIfAborted()
      if (!/^\d+$/.test(pid) || !(await isAtWorkIn(pid, workspace, isRoot))) continue
      try {
        await addOpen(files, pid, workspace.dev)
        if (!(await addMapped(files, pid, workspace.dev))) return "over"
      } catch (error) {
        // A process can close itself to the gateway's user.
        if (hasCode(error, "EACCES") || hasCode(error, "EPERM")) return "over"
        if (!isGone(error)) throw error
      }
    }
  }
  return { bytes: [...files.values()].reduce((sum, bytes) => sum + bytes, 0), entries: files.size }
}

/** As root each session's code has a user of its own; otherwise its sandbox shows the working directory at one path. */
async function isAtWorkIn(pid: string, workspace: Stats, isRoot: boolean): Promise<boolean> {
  try {
    const isOwn = (await stat(`/proc/${pid}`)).uid === workspace.uid
    if (!isOwn || isRoot) return isOwn
    const { dev, ino } = await stat(`/proc/${pid}/root/workspace`)
    return dev === workspace.dev && ino === workspace.ino
  } catch (error) {
    if (isGone(error) || hasCode(error, "EACCES")) return false
    throw error
  }
}

async function addOpen(files: Map<number, number>, pid: string, device: number): Promise<void> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  await Promise.all(
    descriptors.map(async (descriptor) => {
      // Does not open it, so a named pipe holds nothing up.
      const stats = await stat(`/proc/${pid}/fd/${descriptor}`).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
      if (stats?.nlink === 0 && stats.dev === device) files.set(stats.ino, bytesOnDisk(stats))
    }),
  )
}

/** Adds what is not open any more. False if there are too many mappings. */
async function addMapped(files: Map<number, number>, pid: string, device: number): Promise<boolean> {
  const mapped = new Map<number, number>()
  const maps = await open(`/proc/${pid}/maps`)
  let count = 0
  for await (const line of maps.readLines({ encoding: "latin1" })) {
    count += 1
    if (count > maxMappings) return false
    const match = / \(deleted\)$/.test(line) && /^(\w+)-(\w+) \S+ \w+ (\w+):(\w+) (\d+) /.exec(line)
    if (!match) continue
    const [from = 0, to = 0, major = 0, minor = 0] = match
      .slice(1, 5)
      .map((text) => Number.parseInt(text, 16))
    const inode = Number(match[5])
    if (isDevice(device, major, minor)) mapped.set(inode, (mapped.get(inode) ?? 0) + to - from)
  }
  for (const [inode, bytes] of mapped) files.set(inode, files.get(inode) ?? bytes)
  return true
}

/** How stat(2) puts both numbers into one: https://man7.org/linux/man-pages/man3/makedev.3.html */
function isDevice(device: number, major: number, minor: number): boolean {
  return device === (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x10_0000
}

function isGone(error: unknown): boolean {
  return gone.some((code) => hasCode(error, code))
}

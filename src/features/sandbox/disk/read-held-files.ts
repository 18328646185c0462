import { constants, type Stats } from "node:fs"
import { open, readdir, readFile, readlink, stat } from "node:fs/promises"
import { O_PATH } from "../workspace/directory.ts"
import { computeBytesOnDisk, type DiskUsage } from "../workspace/disk-usage.ts"
import type { WrittenBytes } from "./charge.ts"
import { createProcessRead, type ProcessRead, readStartTime } from "./process-files.ts"
import { doesCountUnaccepted, readUnixSockets, type UnixSocket } from "./unix-sockets.ts"

/** Deleted files that processes hold. */
export interface HeldFiles {
  readonly usage: DiskUsage
  /** If true, the processes hold files that cannot be inspected, or may do so. */
  readonly hidesFiles: boolean
  /** Bytes that the processes have written. */
  readonly written: WrittenBytes
}

export interface HeldFilesOrder {
  readonly pids: readonly string[]
  /** The file system whose files count. */
  readonly device: number
}

/** Maximum number of mappings. Reading more than a program needs takes too long. */
const maxMappings = 20_000
/** Number of unnamed pipes that the gateway itself gives an execution for its output. They are not charged. */
const outputPipes = 2

/**
 * Reads all places where Linux keeps deleted files: the open files of each thread, which may differ from those of the
 * process; the running programs; mappings; and messages that wait in Unix sockets, of which only the number is known.
 * A socket without a descriptor is held by a call in progress or by another socket, so the content that waits in it
 * is unknown. A socket that was bound to a name holds that file. Code in a sandbox cannot use the other places,
 * io_uring and mounts. Resolves to "over" if there is too much to read. Throws EACCES or EPERM if the user of this
 * process may not inspect a process.
 */
export async function readHeldFiles(
  { pids, device }: HeldFilesOrder,
  signal: AbortSignal,
): Promise<HeldFiles | "over"> {
  const read = createProcessRead(signal)
  const files = new Map<number, number>()
  const pipes = new Set<number>()
  const named = new Set<number>()
  const networks = new Set<string>()
  let boundSockets = 0
  let hidesFiles = false
  const last: string[] = []
  for (const pid of pids) {
    const threads = await read(`/proc/${pid}`, readdir(`/proc/${pid}/task`), [])
    for (const thread of threads) {
      signal.throwIfAborted()
      if (await addOpen({ files, pipes, named, device, read }, `/proc/${pid}/task/${thread}`))
        hidesFiles = true
    }
    // All threads have the same mappings. If the first thread has ended, it shows none.
    if (threads.length > 0) last.push(`/proc/${pid}/task/${threads.at(-1)}`)
  }
  for (const thread of last) {
    signal.throwIfAborted()
    const mappings = await read(thread, readDeletedMappings(thread), [])
    if (mappings === "over") return "over"
    if (await addMapped(files, mappings, device)) hidesFiles = true
    const network = await read(thread, readlink(`${thread}/ns/net`), "")
    if (networks.has(network)) continue
    networks.add(network)
    const sockets = await read(thread, readUnixSockets(thread), [])
    if (sockets === "over") return "over"
    boundSockets += sockets.filter(({ hasFile }) => hasFile).length
    if (sockets.some((socket) => isHidden(socket, named))) hidesFiles = true
  }
  for (const inode of [...pipes].slice(0, outputPipes)) files.delete(inode)
  const bytes = [...files.values()].reduce((sum, size) => sum + size, 0)
  const usage = { bytes, entries: files.size + boundSockets }
  return { usage, hidesFiles, written: await readWritten(pids, read) }
}

/**
 * Reads how much each process has made the kernel write to disks, including its ended threads and awaited children.
 * The start time distinguishes a process from a later one with the same id. A kernel without these counts has no such
 * file.
 */
async function readWritten(pids: readonly string[], read: ProcessRead): Promise<WrittenBytes> {
  const entries = await Promise.all(
    pids.map(async (pid) => {
      const [written, startTime] = await Promise.all([
        readWrittenBy(pid, read),
        readStartTime(`/proc/${pid}`),
      ])
      return [`${pid} ${startTime}`, written] as const
    }),
  )
  return Object.fromEntries(entries)
}

async function readWrittenBy(pid: string, read: ProcessRead): Promise<number> {
  const whole = await read(`/proc/${pid}`, readFile(`/proc/${pid}/io`, "utf8"), null)
  if (whole !== null) return writeBytes(whole)
  // The first thread has ended. The user of the process may still read the other threads.
  const threads = await read(`/proc/${pid}`, readdir(`/proc/${pid}/task`), [])
  const counts = await Promise.all(
    threads.map((thread) => {
      const path = `/proc/${pid}/task/${thread}`
      return read(path, readFile(`${path}/io`, "utf8"), "")
    }),
  )
  return counts.reduce((sum, text) => sum + writeBytes(text), 0)
}

function writeBytes(counts: string): number {
  return Number(/^write_bytes: (\d+)$/m.exec(counts)?.[1] ?? 0)
}

/**
 * Returns true if files may wait in a socket that cannot be inspected. The server counts a connection that was not
 * accepted.
 */
function isHidden({ inode }: UnixSocket, named: ReadonlySet<number>): boolean {
  return inode === 0 ? !doesCountUnaccepted() : !named.has(inode)
}

/** The open files of processes, collected while reading. */
interface OpenFiles {
  /** Bytes of the files without a name, by inode. */
  readonly files: Map<number, number>
  /** Inodes of those files that are pipes. */
  readonly pipes: Set<number>
  /** Inodes of the sockets that a descriptor names. */
  readonly named: Set<number>
  readonly device: number
  readonly read: ProcessRead
}

/** Adds the open files of a thread. Resolves to true if files wait in a socket or are registered with an io_uring. */
async function addOpen(found: OpenFiles, thread: string): Promise<boolean> {
  const descriptors = await found.read(thread, readdir(`${thread}/fd`), [])
  const hidden = await Promise.all([
    ...descriptors.map((descriptor) => addFile(found, thread, `fd/${descriptor}`)),
    addFile(found, thread, "exe"),
  ])
  return hidden.includes(true)
}

async function addFile(found: OpenFiles, thread: string, link: string): Promise<boolean> {
  const { files, pipes, named, device, read } = found
  // This does not open the file, so a named pipe does not block.
  const stats = await read(thread, stat(`${thread}/${link}`), null)
  if (stats?.isSocket()) named.add(stats.ino)
  if (stats?.isSocket() || (stats !== null && (stats.mode & constants.S_IFMT) === 0)) {
    const info = await read(thread, readFile(`${thread}/${link.replace("fd/", "fdinfo/")}`, "utf8"), "")
    // These are files that wait in a socket, or that are registered with an io_uring, which is a file without a type.
    return /^(scm_fds|UserFiles):\s*[1-9]/m.test(info)
  }
  if (stats !== null) addDeleted(files, stats, device)
  if (stats?.isFIFO() && files.has(stats.ino)) pipes.add(stats.ino)
  return false
}

function addDeleted(files: Map<number, number>, stats: Stats, device: number): void {
  if (stats.nlink === 0 && stats.dev === device) files.set(stats.ino, computeBytesOnDisk(stats))
}

interface Mapping {
  /** Path of a link to the mapped file. */
  readonly link: string
  readonly bytes: number
  readonly device: number
  readonly inode: number
}

async function readDeletedMappings(thread: string): Promise<readonly Mapping[] | "over"> {
  const maps = await open(`${thread}/maps`)
  const mappings: Mapping[] = []
  let count = 0
  for await (const line of maps.readLines({ encoding: "latin1" })) {
    count += 1
    if (count > maxMappings) return "over"
    const match = / \(deleted\)$/.test(line) && /^(\w+)-(\w+) \S+ \w+ (\w+):(\w+) (\d+) /.exec(line)
    if (!match) continue
    const [from = 0, to = 0, major = 0, minor = 0] = match
      .slice(1, 5)
      .map((text) => Number.parseInt(text, 16))
    mappings.push({
      link: `${thread.replace(/\/task\/.*/, "")}/map_files/${from.toString(16)}-${to.toString(16)}`,
      bytes: to - from,
      device: toDevice(major, minor),
      inode: Number(match[5]),
    })
  }
  return mappings
}

/** Adds files that are mapped and not open. Resolves to true if only root may see the size of one of them. */
async function addMapped(
  files: Map<number, number>,
  mappings: readonly Mapping[],
  device: number,
): Promise<boolean> {
  let hidesFiles = false
  for (const mapping of mappings) {
    if (files.has(mapping.inode)) continue
    const stats = await statMapped(mapping.link)
    if (stats !== null) addDeleted(files, stats, device)
    else if (mapping.device === device) {
      files.set(mapping.inode, mapping.bytes)
      hidesFiles = true
    }
  }
  return hidesFiles
}

/**
 * Returns null for another user than root. A stat of the link would then be refused with EPERM, and libuv would report
 * the last change of every file as its creation, for the rest of the process. An open does no harm.
 */
async function statMapped(link: string): Promise<Stats | null> {
  const file = await open(link, O_PATH).catch(() => null)
  if (file === null) return null
  try {
    return await file.stat()
  } finally {
    await file.close()
  }
}

/** Combines both numbers as stat(2) does: https://man7.org/linux/man-pages/man3/makedev.3.html */
function toDevice(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x10_0000
}

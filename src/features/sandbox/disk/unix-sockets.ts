import { open, readlink } from "node:fs/promises"
import { release } from "node:os"

export interface UnixSocket {
  /** Number by which a descriptor identifies the socket. 0 for a connection that was not accepted. */
  readonly inode: number
  /** If true, the socket was bound to a name in a file system, and holds that file after the name is deleted. */
  readonly hasFile: boolean
}

/** Maximum number of sockets. Reading more than a program needs takes too long. */
const maxSockets = 20_000

/**
 * Returns the Unix sockets of the thread's network, including those without a descriptor. Returns none for the
 * gateway's own network, where they may belong to any process. Resolves to "over" if there are too many to read.
 */
export async function readUnixSockets(thread: string): Promise<readonly UnixSocket[] | "over"> {
  const [own, other] = await Promise.all(["/proc/self", thread].map((path) => readlink(`${path}/ns/net`)))
  if (own === other) return []
  const sockets: UnixSocket[] = []
  const table = await open(`${thread}/net/unix`)
  for await (const line of table.readLines({ encoding: "latin1" })) {
    if (sockets.length > maxSockets) return "over"
    // The fields are Num, RefCount, Protocol, Flags, Type, St, Inode, and the path, which may contain spaces.
    const match = /^[^:]+:(?: +\S+){5} +(\d+)(?: (.*))?$/.exec(line)
    if (match === null) continue
    const [, inode, path = ""] = match
    sockets.push({ inode: Number(inode), hasFile: path !== "" && !path.startsWith("@") })
  }
  return sockets
}

/**
 * Returns true if the kernel counts files in connections that were not accepted. Linux before 6.3 only reports that
 * such connections exist.
 */
export function doesCountUnaccepted(version: string = release()): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number)
  return major > 6 || (major === 6 && minor >= 3)
}

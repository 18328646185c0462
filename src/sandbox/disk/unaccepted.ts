import { readFile, readlink } from "node:fs/promises"
import { release } from "node:os"

/**
 * Linux before 6.3 does not count files that wait in connections which nobody has accepted. There it is told only that
 * such connections exist.
 */
export function countsUnaccepted(version: string = release()): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number)
  return major > 6 || (major === 6 && minor >= 3)
}

/**
 * Resolves to true if a Unix socket of the thread's network has a connection that nobody has accepted. It has no inode
 * yet. False in the gateway's own network, where it may be anyone's.
 */
export async function hasUnaccepted(thread: string): Promise<boolean> {
  const [own, other] = await Promise.all(["/proc/self", thread].map((path) => readlink(`${path}/ns/net`)))
  if (own === other) return false
  const [, ...sockets] = (await readFile(`${thread}/net/unix`, "latin1")).split("\n")
  return sockets.some((line) => line.trim().split(/\s+/)[inodeColumn] === "0")
}

/** Columns: Num, RefCount, Protocol, Flags, Type, St, Inode, Path. */
const inodeColumn = 6

import type { Stats } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { hasCode } from "../../../core/errors.ts"
import { isGone, isRefused } from "./process-files.ts"
import { readAsOwner } from "./read-as-owner.ts"
import { type HeldFiles, readHeldFiles } from "./read-held-files.ts"

/**
 * Measures deleted files that the processes of a working directory's code hold. They use space, but no walk finds
 * them. Resolves to "over" if they cannot be measured, and to "closed" if a process cannot be inspected by its user,
 * as between a change of its user and the start of another program. The processes must be frozen.
 */
export async function measureHeldFiles(
  path: string,
  signal: AbortSignal,
): Promise<HeldFiles | "over" | "closed"> {
  const workspace = await stat(path)
  const isRoot = process.getuid?.() === 0
  // Code never runs as root, so no process can work in a folder of root.
  if (process.platform !== "linux" || (isRoot && workspace.uid === 0)) return nothing
  const pids = await listProcesses(workspace, isRoot, signal)
  if (pids.length === 0) return nothing
  const order = { pids, device: workspace.dev, uid: workspace.uid, gid: workspace.gid }
  try {
    return await readHeldFiles(order, signal)
  } catch (error) {
    if (!isRefused(error)) throw error
    // In an unprivileged container root may not inspect processes of other users, but each user may inspect its own.
    return isRoot ? readAsOwner(order, signal) : "closed"
  }
}

const nothing: HeldFiles = { usage: { bytes: 0, entries: 0 }, hidesFiles: false, written: {} }

async function listProcesses(
  workspace: Stats,
  isRoot: boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const pids: string[] = []
  for (const pid of await readdir("/proc")) {
    signal.throwIfAborted()
    if (/^\d+$/.test(pid) && (await isAtWorkIn(pid, workspace, isRoot))) pids.push(pid)
  }
  return pids
}

/**
 * Returns true if the process works in the folder. As root, each session's code has its own user. Otherwise its
 * sandbox shows the working directory at one path.
 */
async function isAtWorkIn(pid: string, workspace: Stats, isRoot: boolean): Promise<boolean> {
  try {
    const isOwn = (await stat(`/proc/${pid}`)).uid === workspace.uid
    if (!isOwn || isRoot) return isOwn
    // The first thread may have ended. It has no root directory then.
    const thread = (await readdir(`/proc/${pid}/task`)).at(-1)
    const { dev, ino } = await stat(`/proc/${pid}/task/${thread}/root/workspace`)
    return dev === workspace.dev && ino === workspace.ino
  } catch (error) {
    if (isGone(error) || hasCode(error, "EACCES")) return false
    throw error
  }
}

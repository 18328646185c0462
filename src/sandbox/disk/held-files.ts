import type { Stats } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { hasCode } from "../workspace/directory.ts"
import { readAsOwner } from "./read-as-owner.ts"
import { type HeldFiles, isGone, isRefused, readHeldFiles } from "./read-held-files.ts"

/**
 * Measures the files without a name that the processes of a working directory's code hold: they take room, but no walk
 * finds them. Resolves to "over" for what cannot be measured, and to "closed" if a process does not let its user look,
 * as between a change of its user and the start of another program. Use it while the processes are frozen.
 */
export async function measureHeldFiles(
  path: string,
  signal: AbortSignal,
): Promise<HeldFiles | "over" | "closed"> {
  const workspace = await stat(path)
  const isRoot = process.getuid?.() === 0
  // Code never runs as root, so no process can be at work in a folder of root's.
  if (process.platform !== "linux" || (isRoot && workspace.uid === 0)) return nothing
  const pids = await processesIn(workspace, isRoot, signal)
  if (pids.length === 0) return nothing
  const order = { pids, device: workspace.dev, uid: workspace.uid, gid: workspace.gid }
  try {
    return await readHeldFiles(order, signal)
  } catch (error) {
    if (!isRefused(error)) throw error
    // In a container without privileges root may not look at processes of others, but each user may look at its own.
    return isRoot ? readAsOwner(order, signal) : "closed"
  }
}

const nothing: HeldFiles = { usage: { bytes: 0, entries: 0 }, hidesFiles: false, written: {} }

async function processesIn(
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

/** As root each session's code has a user of its own; otherwise its sandbox shows the working directory at one path. */
async function isAtWorkIn(pid: string, workspace: Stats, isRoot: boolean): Promise<boolean> {
  try {
    const isOwn = (await stat(`/proc/${pid}`)).uid === workspace.uid
    if (!isOwn || isRoot) return isOwn
    // The first thread may have ended, and then has no root.
    const thread = (await readdir(`/proc/${pid}/task`)).at(-1)
    const { dev, ino } = await stat(`/proc/${pid}/task/${thread}/root/workspace`)
    return dev === workspace.dev && ino === workspace.ino
  } catch (error) {
    if (isGone(error) || hasCode(error, "EACCES")) return false
    throw error
  }
}

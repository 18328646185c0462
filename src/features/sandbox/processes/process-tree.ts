import { readdir, readFile } from "node:fs/promises"
import { setTimeout as delay } from "node:timers/promises"
import { hasCode } from "../../../core/errors.ts"

interface ProcessState {
  readonly pid: number
  readonly parent: number
  /** If true, one of its threads has neither stopped nor ended. */
  readonly isRunning: boolean
  /** If true, its first thread waits in a system call that no signal interrupts. */
  readonly isBlocked: boolean
}

/** Maximum number of rounds. A process that keeps starting others is ahead of a listing only for a while. */
const maxRounds = 200
/** Maximum milliseconds to wait. A process stops after its system call has ended, which may wait for the disk. */
const maxWaitMs = 15_000
const pauseMs = 2

/**
 * Stops a process with its process group and all its descendants, if no control group can freeze them. Resolves when
 * all are stopped, so that none of them can start or continue another one.
 */
export async function stopProcessTree(root: number): Promise<void> {
  // This works at once, and also for orphans. To find processes that left the group, all processes of the machine
  // must be listed.
  signalGroup(root, "SIGSTOP")
  const signaled = new Set<number>()
  const deadline = performance.now() + maxWaitMs
  for (let round = 0; round < maxRounds; ) {
    const tree = await listTree(root)
    const running = tree.filter(({ isRunning }) => isRunning)
    if (running.length === 0) return
    if (running.some(({ pid }) => !signaled.has(pid))) round += 1
    else if (performance.now() < deadline) await delay(pauseMs)
    else
      throw new Error("The processes of the execution cannot be stopped, because a system call does not end.")
    const blocked = new Set(tree.filter(({ isBlocked }) => isBlocked).map(({ pid }) => pid))
    for (const { pid, parent, isRunning } of tree) {
      // A parent in vfork(2) is blocked until its child executes a program or ends, so the child must continue.
      if (blocked.has(parent)) signal(pid, "SIGCONT")
      else if (isRunning) signal(pid, "SIGSTOP")
      if (isRunning) signaled.add(pid)
    }
  }
  throw new Error("The processes of the execution cannot be stopped, because new ones keep appearing.")
}

export async function continueProcessTree(root: number): Promise<void> {
  signalGroup(root, "SIGCONT")
  for (const { pid } of await listTree(root)) signal(pid, "SIGCONT")
}

/**
 * Returns the tree. Orphans stay in it: in a PID namespace its first process, a descendant of `root`, becomes their
 * parent.
 */
async function listTree(root: number): Promise<readonly ProcessState[]> {
  const processes = await readProcesses()
  const children = Map.groupBy(processes, ({ parent }) => parent)
  const tree = processes.filter(({ pid }) => pid === root)
  for (const { pid } of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

async function readProcesses(): Promise<readonly ProcessState[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readStat(`/proc/${pid}/stat`)
      if (stat === null) return []
      const isRunning = !isStill(stat.state) || (stat.state === "Z" && (await hasRunningThread(pid)))
      return [{ pid: Number(pid), parent: stat.parent, isRunning, isBlocked: stat.state === "D" }]
    }),
  )
  return found.flat()
}

/**
 * Returns true if a thread is running. The first thread can end before the others, and the process then looks as if
 * it had ended.
 */
async function hasRunningThread(pid: string): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(ignoreEnd)
  const stats = await Promise.all(
    (threads ?? []).map((thread) => readStat(`/proc/${pid}/task/${thread}/stat`)),
  )
  return stats.some((stat) => stat !== null && !isStill(stat.state))
}

/** Returns true for states of proc(5) in which nothing runs: `T` is stopped, `Z` has ended. */
function isStill(state: string): boolean {
  return /[TtZX]/.test(state)
}

async function readStat(path: string): Promise<{ readonly state: string; readonly parent: number } | null> {
  const stat = await readFile(path, "utf8").catch(ignoreEnd)
  // The program's name is in parentheses and may contain any character.
  const [state, parent] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? []
  return state === undefined ? null : { state, parent: Number(parent) }
}

/** Returns null for a process that has ended, which may happen at any time. */
function ignoreEnd(error: unknown): null {
  if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return null
  throw error
}

/** Sends a signal to a group. Does nothing if the process does not lead a group. */
function signalGroup(leader: number, name: "SIGSTOP" | "SIGCONT"): void {
  signal(-leader, name)
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error
  }
}

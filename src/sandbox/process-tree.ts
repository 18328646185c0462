import { readdir, readFile } from "node:fs/promises"
import { hasCode } from "./workspace/directory.ts"

interface ProcessState {
  readonly pid: number
  readonly parent: number
  /** As in proc(5): `T` is stopped, `Z` has ended. */
  readonly state: string
}

/** A process that starts others keeps ahead of a listing only so long. */
const maxRounds = 200

/**
 * Stops a process with all its descendants, where no control group can freeze them. Resolves when all are stopped: none
 * that is left could start or continue another.
 */
export async function stopProcessTree(root: number): Promise<void> {
  for (let round = 0; round < maxRounds; round += 1) {
    const running = (await treeOf(root)).filter(({ state }) => !/[TtZX]/.test(state))
    if (running.length === 0) return
    for (const { pid } of running) signal(pid, "SIGSTOP")
  }
  throw new Error("The processes of the execution cannot be stopped, because new ones keep appearing.")
}

export async function continueProcessTree(root: number): Promise<void> {
  for (const { pid } of await treeOf(root)) signal(pid, "SIGCONT")
}

/** Orphans stay in it: in a PID namespace its first process, a descendant of `root`, takes them over. */
async function treeOf(root: number): Promise<readonly ProcessState[]> {
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
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch((error: unknown) => {
        if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return null
        throw error
      })
      // The program's name is in parentheses and may contain anything.
      const [state, parent] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? []
      return state === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), state }]
    }),
  )
  return found.flat()
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error
  }
}

import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Returns the process id of the server that owns this data directory. */
export function readPostmasterId(databaseDir: string): number {
  return Number(readFileSync(join(databaseDir, "postmaster.pid"), "utf8").split("\n", 1)[0])
}

/**
 * Returns the CPU seconds of a Postgres server so far: of its first process, of the processes that it has now, and of
 * those that have ended. Reads `/proc`, which only Linux has.
 */
export function readCpuSeconds(postmasterId: number): number {
  const postmaster = readProcess(postmasterId)
  if (postmaster === null) throw new Error("Postgres has ended.")
  let ticks = postmaster.ticks + postmaster.ticksOfEnded
  for (const name of readdirSync("/proc")) {
    const process = /^\d+$/.test(name) ? readProcess(Number(name)) : null
    if (process?.parentId === postmasterId) ticks += process.ticks
  }
  return ticks / ticksPerSecond()
}

interface ProcessUsage {
  readonly parentId: number
  readonly ticks: number
  /** CPU time of its children that have ended. */
  readonly ticksOfEnded: number
}

/** Returns null if the process has ended. */
function readProcess(id: number): ProcessUsage | null {
  let text: string
  try {
    text = readFileSync(`/proc/${id}/stat`, "utf8")
  } catch {
    return null
  }
  // The second field is the program's name in parentheses, which may contain spaces. proc_pid_stat(5) has the rest.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const field = (number: number) => Number(fields[number - 3])
  return { parentId: field(4), ticks: field(14) + field(15), ticksOfEnded: field(16) + field(17) }
}

let knownTicksPerSecond: number | undefined

function ticksPerSecond(): number {
  knownTicksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }))
  return knownTicksPerSecond
}

import { readFileSync } from "node:fs"

/** Returns true if there is such a process; one that has ended and only waits to be reaped does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    // It ended in between, or this system has no /proc.
    return process.platform !== "linux"
  }
}

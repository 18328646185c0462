import { readFileSync } from "node:fs"

/** Returns true if the process exists. A process that has ended and was not reaped yet does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    // The process ended in the meantime, or this system has no /proc.
    return process.platform !== "linux"
  }
}

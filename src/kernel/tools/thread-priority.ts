import { readlinkSync } from "node:fs"
import { constants, getPriority, setPriority } from "node:os"

/** Added to a thread's nice value. The thread then gets a third of the CPU time of another one if both are busy. */
const lowerBy = 5
const lowest = constants.priority.PRIORITY_LOW

/**
 * Lowers the priority of the calling thread below that of the process, so that its work leaves CPU time to the event
 * loop. Returns false, and changes nothing, if this is not possible: only Linux gives each thread a priority, and
 * only `/proc` gives a thread its id.
 */
export function lowerThreadPriority(): boolean {
  if (process.platform !== "linux") return false
  let id: number
  try {
    id = readThreadId()
  } catch {
    return false
  }
  setPriority(id, Math.min(getPriority(id) + lowerBy, lowest))
  return true
}

/** Returns the id of the thread; see proc_thread-self(5). */
function readThreadId(): number {
  const [id = ""] = readlinkSync("/proc/thread-self").split("/").slice(-1)
  return Number(id)
}

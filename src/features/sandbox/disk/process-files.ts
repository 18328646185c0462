import { readFile } from "node:fs/promises"
import { hasCode } from "../../../core/errors.ts"
import { sleep } from "../../../core/time/sleep.ts"

/**
 * Awaits a read of a process or thread whose folder in `/proc` is `path`. Resolves to `otherwise` if the process has
 * ended, which may happen at any time. Rejects with EACCES or EPERM if the user of this process may not inspect it.
 */
export type ProcessRead = <Value, Other>(
  path: string,
  reading: Promise<Value>,
  otherwise: Other,
) => Promise<Value | Other>

/** Positions among the fields after the name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const [state, flags, startTime] = [0, 6, 19]
/** The kernel's flag PF_EXITING. */
const exiting = 4
/** Maximum milliseconds for which exiting processes are awaited. They first give back their memory and files. */
const maxExitMs = 2_000
const pauseMs = 2
const gone = ["ENOENT", "ESRCH", "ENOTDIR", "EINVAL"]

/** Creates the function for one measurement, of all processes of an execution. */
export function createProcessRead(signal: AbortSignal): ProcessRead {
  const deadline = performance.now() + maxExitMs
  return async (path, reading, otherwise) => {
    try {
      return await reading
    } catch (error) {
      if (isGone(error) || (isRefused(error) && (await waitForEnd(path, deadline, signal)))) return otherwise
      throw error
    }
  }
}

/**
 * Resolves to true when an exiting process or thread has ended, and at once if it had already. It then holds nothing,
 * although it may still have an id. From the moment it exits, only root may inspect it. Resolves to false if it
 * continues, or at the deadline.
 */
async function waitForEnd(path: string, deadline: number, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const fields = await readFields(path)
    if (/^[ZX]/.test(fields[state] ?? "X")) return true
    if ((Number(fields[flags]) & exiting) === 0 || performance.now() > deadline) return false
    await sleep(pauseMs, signal)
    signal.throwIfAborted()
  }
}

/** Returns the start time, which distinguishes a process from a later one with the same id. Empty if it is gone. */
export async function readStartTime(path: string): Promise<string> {
  return (await readFields(path))[startTime] ?? ""
}

/** Returns the fields after the name of a process or thread. Returns none if it is gone. */
async function readFields(path: string): Promise<readonly string[]> {
  const stat = await readFile(`${path}/stat`, "utf8").catch((error: unknown) => {
    if (isGone(error)) return ""
    throw error
  })
  // The name is in parentheses and may contain anything.
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ")
}

/** Returns true for the error that the user of this process may not inspect the other process. */
export function isRefused(error: unknown): boolean {
  return hasCode(error, "EACCES") || hasCode(error, "EPERM")
}

export function isGone(error: unknown): boolean {
  return gone.some((code) => hasCode(error, code))
}

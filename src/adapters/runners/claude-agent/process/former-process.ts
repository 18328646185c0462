import { writeFileSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { sleep } from "../../../../core/time/sleep.ts"

/** Maximum milliseconds to wait for the process of a killed gateway. Its leash ends it within about two seconds. */
const endsWithinMs = 5_000
const pollMs = 50

/**
 * Records the process that works on a session. After `kill -9`, a new process waits for the former one, so that only
 * one writes to the session's transcript.
 */
export interface FormerProcess {
  /** Resolves when the former process has ended, or after a time limit. */
  waitUntilGone(signal: AbortSignal): Promise<void>
  remember(group: number): void
  forget(): Promise<void>
}

export function createFormerProcess(sessionFolder: string): FormerProcess {
  const file = join(sessionFolder, "process-group")
  return {
    async waitUntilGone(signal) {
      const group = Number(await readFile(file, "utf8").catch(() => ""))
      if (!Number.isInteger(group) || group <= 1) return
      // The number may belong to other processes by now, so nothing is killed and the wait has a time limit.
      for (const until = Date.now() + endsWithinMs; isAlive(group) && Date.now() < until; ) {
        await sleep(pollMs, signal)
        signal.throwIfAborted()
      }
    },
    remember: (group) => writeFileSync(file, String(group), { mode: 0o600 }),
    forget: () => rm(file, { force: true }),
  }
}

function isAlive(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    // The group does not exist, or it belongs to another user.
    return false
  }
}

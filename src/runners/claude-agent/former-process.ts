import { writeFileSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { sleep } from "../../core/time/sleep.ts"

/** Milliseconds in which a process ends whose gateway was killed: its leash ends it within about two seconds. */
const endsWithinMs = 5_000
const pollMs = 50

/**
 * Remembers which process works on a session, so that a process that was started after `kill -9` does not write to the
 * session's transcript beside the one before it.
 */
export interface FormerProcess {
  /** Resolves when the process before has ended. */
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
      // The number may be that of other processes by now, so nothing is killed, and the wait has an end.
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
    // There is no such group, or it is another user's.
    return false
  }
}

import { randomUUID } from "node:crypto"
import { readdir, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** Remembers executions whose working directory may exceed its quota, even after the end of the process. */
export interface UnfinishedExecutions {
  begin(workspace: string, startedAt: number): Promise<UnfinishedExecution>
}

export interface UnfinishedExecution {
  /**
   * Milliseconds since the Unix epoch: the start of this execution, or of an earlier one that was interrupted before
   * its working directory was trimmed. Files written since then may be deleted.
   */
  readonly startedAt: number
  /** Must be called when the working directory is within its quota. */
  finish(): Promise<void>
  /** Must be called at the end, finished or not. */
  release(): void
}

const prefix = "unfinished-"

/**
 * Keeps a file for each execution beside the working directory, where code cannot reach it. Without it, a working
 * directory that a canceled execution left too large would stay too large: later executions would be ended at once,
 * and would have written nothing that may be deleted.
 */
export function createUnfinishedExecutions(): UnfinishedExecutions {
  const running = new Set<string>()
  return {
    async begin(workspace, startedAt) {
      const place = dirname(workspace)
      const left = (await readdir(place)).filter((name) => name.startsWith(prefix) && !running.has(name))
      const own = `${prefix}${randomUUID()}.${startedAt}`
      running.add(own)
      await writeFile(join(place, own), "", { mode: 0o600 })
      return {
        startedAt: Math.min(startedAt, ...left.map(startOf)),
        async finish() {
          await Promise.all([own, ...left].map((name) => rm(join(place, name), { force: true })))
        },
        release: () => void running.delete(own),
      }
    },
  }
}

function startOf(name: string): number {
  const moment = Number(name.split(".")[1])
  return Number.isFinite(moment) ? moment : Number.POSITIVE_INFINITY
}

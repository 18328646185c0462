import type { Directory, ListedRun, ListedSession } from "../core/ports/store/directory.ts"
import { maxDirectoryPage } from "../core/ports/store/directory.ts"
import { createRecentMap } from "../core/recent-cache.ts"
import { addCost, type Cost } from "../core/usage.ts"

/** The end of a run, as lists show it. */
export interface RunEnd {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Includes the run's sub-agents. Null if the price of a model is not known. */
  readonly cost: Cost
  /** The error that ended the run. Null without one. */
  readonly error: { readonly code: string; readonly message: string } | null
}

/** The cost of a session's newest runs. */
export interface SessionCost {
  readonly cost: Cost
  /** If true, the session has older runs, which do not count. */
  readonly isPartial: boolean
}

export interface CostParts {
  readonly directory: Pick<Directory, "runs">
  /** Resolves to null for a run that has not ended, or is gone. */
  readonly readEnd: (sessionId: string, runId: string) => Promise<RunEnd | null>
}

export interface Costs {
  ofRun(run: ListedRun): Promise<RunEnd | null>
  ofSession(session: ListedSession): Promise<SessionCost>
}

const maxRuns = 10_000
const maxSessions = 2_000
const ended: readonly string[] = ["completed", "interrupted", "failed"]

/** Reads each end of a run once, because the page requests the same lists repeatedly. */
export function createCosts({ directory, readEnd }: CostParts): Costs {
  const ends = createRecentMap<RunEnd>(maxRuns)
  const sessions = createRecentMap<SessionCost>(maxSessions)

  async function readRunEnd({ id, sessionId, state }: ListedRun): Promise<RunEnd | null> {
    if (!ended.includes(state)) return null
    const known = ends.get(id)
    if (known !== undefined) return known
    const end = await readEnd(sessionId, id)
    if (end !== null) ends.set(id, end)
    return end
  }

  return {
    ofRun: readRunEnd,
    async ofSession({ id, lastUsedAt, storedBytes }) {
      // Each end of a run adds events to the log, so `storedBytes` changes.
      const key = JSON.stringify([id, lastUsedAt, storedBytes])
      const known = sessions.get(key)
      if (known !== undefined) return known
      const { items, next } = await directory.runs({ sessionId: id, limit: maxDirectoryPage })
      const costs = (await Promise.all(items.map(readRunEnd))).map(
        (end) => end?.cost ?? (end === null ? 0 : null),
      )
      const total = { cost: costs.reduce(addCost, 0), isPartial: next !== null }
      sessions.set(key, total)
      return total
    },
  }
}

import type { WaitOpened } from "../../../core/log/entries.ts"
import type { Branch } from "./branch.ts"
import type { SubAgentBranches } from "./sub-agent-branches.ts"

export interface ParkedQuery {
  /** Null if there are no sub-agents. */
  readonly subAgents: SubAgentBranches | null
  /** If true, also no background task works, and no tool holds its execution open for an answer. */
  readonly released: boolean
}

/**
 * Returns the waits of a tree that can only wait for people or for the client. Null if a session of it works, or waits
 * for its time.
 */
export function findParked(root: Branch, query: ParkedQuery): readonly WaitOpened[] | null {
  const waits = findWaits(root, query)
  if (waits === null || !query.released) return waits
  const tasks = query.subAgents?.tasks() ?? []
  return tasks === null || tasks.some((task) => findWaits(task, query) === null) ? null : waits
}

function findWaits(branch: Branch, query: ParkedQuery): readonly WaitOpened[] | null {
  const found: WaitOpened[] = []
  for (const wait of branch.calls?.waits ?? []) {
    const own = findOwnWaits(wait, query)
    if (own === null) return null
    found.push(...own)
  }
  return found.length === 0 ? null : found
}

function findOwnWaits(wait: WaitOpened, query: ParkedQuery): readonly WaitOpened[] | null {
  switch (wait.kind) {
    case "approval":
    case "clientTool":
      return [wait]
    case "elicitation":
      return query.released && wait.continuation === null ? null : [wait]
    case "child": {
      const child = query.subAgents?.find(wait.waitId)
      return child === undefined || child.hasEnded ? null : findWaits(child, query)
    }
    case "timer":
      return null
    default:
      return wait satisfies never
  }
}

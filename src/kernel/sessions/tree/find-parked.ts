import type { WaitOpened } from "../../../core/log/entries.ts"
import type { Branch } from "./branch.ts"
import type { SubAgentBranches } from "./sub-agent-branches.ts"

export interface ParkedQuery {
  /** Null if there are no sub-agents. */
  readonly subAgents: SubAgentBranches | null
  /** If true, also no background task works, and no tool holds its execution open for an answer. */
  readonly released: boolean
}

/** An open wait of a tree. */
export interface ParkedAt {
  readonly wait: WaitOpened
  /** The tool call of the root that it holds up. */
  readonly rootToolCallId: string
}

/**
 * Returns the waits of a tree that can only wait for people or for the client. Null if a session of it works, or waits
 * for its time.
 */
export function findParked(root: Branch, query: ParkedQuery): readonly ParkedAt[] | null {
  const found: ParkedAt[] = []
  for (const wait of root.calls?.waits ?? []) {
    const own = findOwnWaits(wait, query)
    if (own === null) return null
    found.push(...own.map((each) => ({ wait: each, rootToolCallId: wait.toolCallId })))
  }
  if (found.length === 0) return null
  if (!query.released) return found
  const tasks = query.subAgents?.tasks() ?? []
  return tasks === null || tasks.some((task) => findWaits(task, query) === null) ? null : found
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

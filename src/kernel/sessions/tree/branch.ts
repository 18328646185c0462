import { isTerminal, type LiveEntry } from "../../../core/log/entries.ts"
import type { ViewEnd } from "../reading/view-end.ts"
import type { OpenCalls } from "./open-calls.ts"
import type { ChildWait, Present } from "./session-state.ts"
import type { ProgressBatch, SubAgent } from "./sub-agent.ts"
import type { SubAgentStart } from "./view-child.ts"

/** One item of the view of a session. */
export type BranchItem = SubAgentStart | readonly LiveEntry[] | ProgressBatch

/** One session of a viewed tree, with the items that were read but not shown. */
export interface Branch {
  readonly sessionId: string
  /** The background task that it works for, or that a session above it works for. Null for others. */
  readonly taskId: string | null
  /** Returns the reason for its end if it is the viewed session. */
  readonly source: AsyncIterator<BranchItem, ViewEnd | undefined>
  /** Null for the viewed session, and for a sub-agent that has not started. */
  subAgent: SubAgent | null
  /** The state of waits up to this sequence number was known when the view of the session started. */
  knownUpTo: number
  /** The waits that were open when the view of the session started. */
  opened: readonly ChildWait[]
  /** Entries that were read but not shown. */
  unshown: readonly LiveEntry[] | null
  /** Progress that was read and not yet shown. */
  progress: ProgressBatch | null
  isReading: boolean
  hasEnded: boolean
  /** The open calls of its run. Null if the view does not end when the run is parked. */
  calls: OpenCalls | null
}

export function createBranch(
  { sessionId, taskId, calls }: Pick<Branch, "sessionId" | "taskId" | "calls">,
  source: Branch["source"],
): Branch {
  return {
    sessionId,
    taskId,
    source,
    subAgent: null,
    knownUpTo: 0,
    opened: [],
    unshown: null,
    progress: null,
    isReading: false,
    hasEnded: false,
    calls,
  }
}

/** Stores the state of the session at the start of its view. */
export function beginBranch(branch: Branch, { lastSeq, children }: Present): void {
  branch.knownUpTo = lastSeq
  branch.opened = children
}

/** Takes the entries that may be shown before those of a sub-agent. The others stay in `unshown`. */
export function takePart(branch: Branch, unshown: readonly LiveEntry[]): readonly LiveEntry[] {
  const end = findEndOfPart(unshown)
  const isWhole = end === unshown.length
  branch.unshown = isWhole ? null : unshown.slice(end)
  return isWhole ? unshown : unshown.slice(0, end)
}

/** Returns the number of entries that may be shown before the sub-agent that the last of them starts. */
function findEndOfPart(entries: readonly LiveEntry[]): number {
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]
    if (entry?.kind !== "event") continue
    const { event } = entry
    if (event.type === "waitResolved" && event.kind === "child" && index > 0) return index
    const isStart = event.type === "waitOpened" && event.kind === "child"
    if (isStart || event.type === "taskRegistered" || isTerminal(event)) return index + 1
    if (event.type === "taskEnded") return index + 1
  }
  return entries.length
}

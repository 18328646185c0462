import { needsVersion3 } from "../runs/run-settings.ts"
import type { Event, RunStarted, WaitOpened, WaitResolved } from "./entries.ts"
import type { FormerEvent } from "./former-events.ts"

/** The versions that introduced the forms of events; 2 for all others. */
const introduced: Partial<Record<Event["type"], number>> = {
  waitOpened: 3,
  waitResolved: 3,
  userMessageAdded: 3,
  runWithdrawn: 3,
  dataEmitted: 3,
  taskRegistered: 3,
  taskEnded: 3,
  tasksCollected: 3,
  compactionStarted: 3,
  compactionFailed: 3,
  historyCompacted: 3,
  toolResultsShortened: 3,
}

/** Returns the version that a process must read to understand the event. */
export function findVersion(event: Event): number {
  if (event.type === "runStarted") return event.toolInputDeltas === true || needsVersion3(event) ? 3 : 2
  return introduced[event.type] ?? 2
}

/**
 * Returns the events as which readers of an older version understand this one. The list is empty if those readers do
 * not need the event. Returns null if there is no older form. Such an event is written only after all live processes
 * can read it (rule 14, versions).
 */
export function downcast(event: Event, version: number): readonly (Event | FormerEvent)[] | null {
  if (findVersion(event) <= version) return [event]
  switch (event.type) {
    case "runStarted":
      // Older processes would continue it without a part, such as the client's tools.
      return needsVersion3(event) ? null : [downcastRunStarted(event)]
    case "waitOpened":
      return downcastOpened(event)
    case "waitResolved":
      return downcastResolved(event)
    case "dataEmitted":
      // Only current subscribers need this event. A run can continue without it.
      return []
    default:
      return null
  }
}

/** Returns the events as which this one is stored, if an older form exists and the version forbids newer forms. */
export function toStoredForms(event: Event, version: number): readonly (Event | FormerEvent)[] {
  return downcast(event, version) ?? [event]
}

/** Omits `toolInputDeltas`. An older process continues such a run without these deltas, which it does not know. */
function downcastRunStarted({ toolInputDeltas: _, ...started }: RunStarted): RunStarted {
  return started
}

function downcastOpened(event: WaitOpened): readonly FormerEvent[] | null {
  const { waitId, toolCallId, toolName, origin, continuation, nonce, expiresAt } = event
  const facts = { waitId, toolCallId, ...(origin && { origin }), nonce, expiresAt }
  switch (event.kind) {
    case "approval":
      return [{ type: "approvalRequested", ...facts, toolName, ...event.payload }]
    case "clientTool":
      return [{ type: "clientToolOpened", ...facts, name: toolName, ...event.payload }]
    case "elicitation":
      return [{ type: "elicitationRequested", ...facts, toolName, continuation, ...event.payload }]
    case "child":
    case "timer":
      return null
    default:
      return event satisfies never
  }
}

function downcastResolved(event: WaitResolved): readonly FormerEvent[] | null {
  const { waitId, toolCallId, decidedBy } = event
  const facts = { waitId, toolCallId, decidedBy }
  switch (event.kind) {
    case "approval":
      return [{ type: "approvalResolved", ...facts, ...event.resolution }]
    case "clientTool":
      // The result of the call contains the same information.
      return []
    case "elicitation":
      return [{ type: "elicitationResolved", ...facts, ...event.resolution }]
    case "child":
    case "timer":
      return null
    default:
      return event satisfies never
  }
}

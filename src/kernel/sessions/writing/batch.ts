import { type Entry, type Event, isTerminal } from "../../../core/log/entries.ts"
import type { JournalEffects } from "../../../core/ports/run/journal.ts"
import type { Lease, SessionBatch } from "../../../core/ports/store/session-log.ts"

/** Builds a batch for the store: the entries, and the derived state that changes with them. */
export function createBatch(
  lease: Lease,
  entries: readonly Entry[],
  {
    effects,
    version,
    before,
  }: {
    readonly effects: readonly JournalEffects[]
    readonly version: number
    /** Sequence number of the session's last entry before these. */
    readonly before: number
  },
): SessionBatch {
  let progress = false
  let runEnded: SessionBatch["runEnded"]
  let runOpened: SessionBatch["runOpened"]
  const runsWithdrawn: string[] = []
  for (const entry of entries) {
    if (entry.kind !== "event") continue
    const { event, runId } = entry
    if (event.type === "runWithdrawn") runsWithdrawn.push(event.withdrawnRunId)
    if (runId === null) continue
    progress ||= isDurableStep(event) || isTerminal(event)
    if (event.type === "runStarted") {
      const first = entries.findIndex((each) => each.runId === runId)
      const steerable = effects.some((effect) => effect.steerable === true)
      runOpened = { runId, cursor: entries[first - 1]?.seq ?? before, steerable }
    }
    if (event.type === "runCompleted") runEnded = { runId, state: event.disposition }
    if (event.type === "runFailed") runEnded = { runId, state: "failed" }
  }
  const outboxDropped = effects.flatMap(({ dropItems = [] }) => dropItems)
  const messagesJoined = effects.flatMap(({ join = [] }) => join)
  return {
    lease,
    version,
    entries,
    progress,
    commandsConsumed: [...effects.flatMap(({ consume = [] }) => consume), ...messagesJoined],
    waitsOpened: effects.flatMap(({ open = [] }) => open),
    waitsExpired: effects.flatMap(({ expire = [] }) => expire),
    outbox: effects.flatMap(({ outbox = [] }) => outbox),
    ...(runEnded === undefined ? {} : { runEnded }),
    ...(runOpened === undefined ? {} : { runOpened }),
    ...(runsWithdrawn.length === 0 ? {} : { runsWithdrawn }),
    ...(outboxDropped.length === 0 ? {} : { outboxDropped }),
    ...(messagesJoined.length === 0 ? {} : { messagesJoined }),
  }
}

/**
 * Returns true for work that a crash would not undo. After such a step, the count of crashes starts from zero (rule
 * 10). Settling the work of the previous crash is not such a step.
 */
function isDurableStep(event: Event): boolean {
  switch (event.type) {
    case "messageCompleted":
    case "toolCallCompleted":
      return true
    case "waitOpened":
      // A question during a call ends with the process, so it is not durable progress.
      return event.kind !== "elicitation" || event.continuation !== null
    case "waitResolved":
      return event.kind === "approval"
    default:
      return false
  }
}

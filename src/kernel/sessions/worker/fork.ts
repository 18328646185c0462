import type { HistoryForked } from "../../../core/log/history-events.ts"
import { type LogRange, supersedeRun } from "../../../core/log/superseded.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import type { MessageCommand } from "../../../core/ports/store/session-log.ts"
import { cancelItem } from "../../agent/children/tree-effects.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { findStartedRun } from "../superseding.ts"
import type { RunExecution } from "./run-execution.ts"

/** Resolves to the conversation without the superseded runs, as the events up to `toSeq` have it. */
export type LoadPlace = (superseded: readonly LogRange[], toSeq: number) => Promise<Conversation>

export interface Fork {
  readonly event: HistoryForked
  /** The ranges that are superseded from now on. */
  readonly superseded: readonly LogRange[]
  /** Cancels of the background tasks that superseded runs started. */
  readonly outbox: readonly OutboxItem[]
}

/**
 * Prepares the conversation for a run that takes the place of another one. Resolves to the event to log, or to null if
 * the message supersedes no run.
 */
export async function prepareFork(
  { services: { log, clock }, session, conversation, loadPlace }: RunExecution,
  { supersede }: MessageCommand,
): Promise<Fork | null> {
  if (supersede === undefined) return null
  const { runId: supersededRunId, reason } = supersede
  const run = await findStartedRun(log, session.id, supersededRunId)
  if (run === null) return null
  for (;;) {
    const toSeq = conversation.progress.last?.seq ?? run.seq
    const superseded = supersedeRun(run, toSeq)
    const place = await loadPlace(superseded, toSeq)
    // A task may have ended meanwhile, and the place must have its end.
    if (conversation.progress.last?.seq !== toSeq) continue
    conversation.prepareFork(place)
    const { spent, tasks } = conversation
    const left = tasks.running().filter(({ taskId }) => place.tasks.find(taskId) === null)
    return {
      event: {
        type: "historyForked",
        reason,
        supersededRunId,
        fromSeq: run.fork?.fromSeq ?? run.seq,
        spent,
        ...(left.length > 0 && { tasks: left }),
      },
      superseded,
      outbox: left.map(({ sessionId, taskId: runId }) =>
        cancelItem({ sessionId, runId, at: clock.now() }, "superseded"),
      ),
    }
  }
}

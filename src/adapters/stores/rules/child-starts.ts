import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { TaskEndCommand } from "../../../core/ports/store/inbox.ts"
import type { CommandResult, StartChild } from "../../../core/ports/store/outbox.ts"
import type { AnswerCommand, PutOutcome } from "../../../core/ports/store/session-log.ts"
import { isTaskId } from "../../../core/runs/background-task.ts"
import type { ChildOutcome } from "../../../core/runs/child.ts"
import { noSpending } from "../../../core/usage.ts"

/** The state of the call for which a child would start. */
export interface Employer {
  /** The wait that the child would answer; null if there is none. */
  readonly wait: Wait | null
  /** If true, a cancel of the call's run is in the inbox, or its session is revoked. */
  readonly isCancelled: boolean
}

/** Returns true if the child's answer would still be accepted. A background task has no wait. */
export function needsChild({ command }: StartChild, { wait, isCancelled }: Employer): boolean {
  if (isCancelled) return false
  return isTaskId(command.runId) || (wait?.kind === "child" && wait.state === "open")
}

/** The result for a child that is no longer needed. */
export const childNotNeeded: CommandResult = { type: "dropped", reason: "parent_ended" }

/** Returns the end of a task that is no longer needed. Null for a child whose call no longer waits. */
export function endInPlaceOf(start: StartChild): TaskEndCommand | null {
  if (!isTaskId(start.command.runId)) return null
  return createTaskEnd(start, { ...nothingDone, outcome: "interrupted", reason: "cancelled" })
}

/**
 * Returns the answer to the call of a child that could not be started, so that the call does not wait in vain, or the
 * end of its task. Null if the child was started.
 */
export function reportInPlaceOf(
  start: StartChild,
  outcome: PutOutcome,
): AnswerCommand | TaskEndCommand | null {
  if (outcome.status === "accepted" || outcome.status === "duplicate") return null
  const { runId, at } = start.command
  const message = `The sub-agent could not start (${outcome.status}). The call had no further effect.`
  const answer: ChildOutcome = {
    ...nothingDone,
    outcome: "failed",
    error: { code: "child_not_started", message },
  }
  if (isTaskId(runId)) return createTaskEnd(start, answer)
  const { sessionId } = start.child.parent
  const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
  return { type: "answer", kind: "child", sessionId, waitId: runId, nonce: runId, decidedBy, at, answer }
}

const nothingDone = { reason: null, response: "", output: null, error: null, spent: noSpending, charged: 0 }

function createTaskEnd({ child, command }: StartChild, outcome: ChildOutcome): TaskEndCommand {
  const { runId, context, channel, at } = command
  return { type: "taskEnd", sessionId: child.parent.sessionId, runId, outcome, context, channel, at }
}

import type { ChildOutcome } from "../../core/child.ts"
import type { Wait } from "../../core/ports/approvals.ts"
import type { CommandResult, StartChild } from "../../core/ports/outbox.ts"
import type { AnswerCommand, PutOutcome } from "../../core/ports/session-log.ts"
import { noSpending } from "../../core/usage.ts"

/** The state of the call that a child would work for. */
export interface Employer {
  /** The wait that the child would answer; null if there is none. */
  readonly wait: Wait | null
  /** If true, a cancel of the call's run is in the inbox, or its session is revoked. */
  readonly isCancelled: boolean
}

/** Returns true if the child's answer would still be taken. */
export function needsChild({ wait, isCancelled }: Employer): boolean {
  return wait?.kind === "child" && wait.state === "open" && !isCancelled
}

/** The result for a child that is no longer needed. */
export const childNotNeeded: CommandResult = { type: "dropped", reason: "parent_ended" }

/**
 * Returns the answer to the call of a child that could not be started, so that the call does not wait for nothing.
 * Null if the child was started.
 */
export function answerInPlaceOf({ child, command }: StartChild, outcome: PutOutcome): AnswerCommand | null {
  if (outcome.status === "accepted" || outcome.status === "duplicate") return null
  const { runId, at } = command
  const message = `The sub-agent could not start (${outcome.status}). The call had no further effect.`
  const answer: ChildOutcome = {
    outcome: "failed",
    reason: null,
    response: "",
    output: null,
    error: { code: "child_not_started", message },
    spent: noSpending,
    charged: 0,
  }
  const { sessionId } = child.parent
  const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
  return { type: "answer", kind: "child", sessionId, waitId: runId, nonce: runId, decidedBy, at, answer }
}

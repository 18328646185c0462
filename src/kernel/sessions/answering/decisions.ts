import type { Decider } from "../../../core/log/entries.ts"
import type { Approvals, Wait } from "../../../core/ports/store/approvals.ts"
import type { AnswerOutcome, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { SchemaCheck } from "../../../core/ports/tools/schema-check.ts"
import type { Clock } from "../../../core/time/clock.ts"
import type { AnyAnswer } from "../../../core/wait.ts"
import type { InvalidAnswer, Sessions } from "../sessions.ts"
import { validateAnswer } from "./validate-answer.ts"

/** The part of `Sessions` that lists and answers waits. It needs only the store, and no running server. */
export type Decisions = Pick<
  Sessions,
  "decide" | "submitResult" | "respond" | "openWaits" | "grants" | "revokeGrant" | "audit"
>

export interface DecisionsOptions {
  readonly log: SessionLog
  readonly approvals: Approvals
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  /** Called after an answer is durable, so that its run continues at once. */
  readonly onAnswered: (sessionId: string) => Promise<void>
}

/** Maximum number of waits or audit records in one list. */
const mostListed = 1_000

/** The call of a wait, by which clients identify it. */
interface Target {
  readonly sessionId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly decidedBy: Decider
}

export function createDecisions(options: DecisionsOptions): Decisions {
  const { log, approvals, checkSchema, clock, onAnswered } = options
  const answer = async (target: Target, given: AnyAnswer): Promise<AnswerOutcome | InvalidAnswer> => {
    const { toolCallId, nonce, decidedBy } = target
    const wait = await approvals.wait(target.sessionId, { toolCallId, kind: given.kind })
    if (wait === null) return { status: "unknown" }
    const at = clock.now()
    // An answer that will be refused need not be valid, because the store reports the reason.
    const checkedAnswer = takes(wait, nonce, at) ? await validateAnswer(checkSchema, wait, given) : given
    if ("status" in checkedAnswer) return checkedAnswer
    // The session may be a descendant of the one that received the answer.
    const { waitId, sessionId } = wait
    const outcome = await log.answer({
      type: "answer",
      sessionId,
      waitId,
      nonce,
      decidedBy,
      at,
      ...checkedAnswer,
    })
    if (outcome.status === "accepted") await onAnswered(sessionId)
    return outcome
  }
  return {
    decide({
      approved,
      editedInput = null,
      reason = null,
      allowToolType = false,
      scope = "session",
      ...target
    }) {
      // Edited arguments make another call than the one that was asked about, so they grant nothing.
      const asAsked = allowToolType && editedInput === null
      const granted = { grant: asAsked, ...(asAsked && scope === "tree" && { scope }) }
      return answer(target, { kind: "approval", answer: { approved, editedInput, reason, ...granted } })
    },
    submitResult: ({ result, ...target }) => answer(target, { kind: "clientTool", answer: { result } }),
    respond: ({ action, content = null, ...target }) =>
      answer(target, { kind: "elicitation", answer: { action, content } }),
    openWaits: (filter) => approvals.openWaits({ ...filter, now: clock.now(), limit: mostListed }),
    grants: (sessionId) => approvals.grants(sessionId),
    revokeGrant: (revocation) => approvals.revokeGrant({ ...revocation, at: clock.now() }),
    audit: ({ limit = mostListed, ...filter }) => approvals.audit({ ...filter, limit }),
  }
}

function takes(wait: Wait, nonce: string, at: number): boolean {
  return wait.state === "open" && wait.nonce === nonce && wait.expiresAt > at
}

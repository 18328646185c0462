import type { Decider } from "../../core/log/entries.ts"
import type { Approvals, Wait } from "../../core/ports/approvals.ts"
import type { SchemaCheck } from "../../core/ports/schema-check.ts"
import type { AnswerOutcome, SessionLog } from "../../core/ports/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { AnyAnswer } from "../../core/wait.ts"
import type { InvalidAnswer, Sessions } from "../sessions.ts"
import { validateAnswer } from "./validate-answer.ts"

/** The part of `Sessions` that asks and answers; it needs the store alone, and no running server. */
export type Decisions = Pick<
  Sessions,
  "decide" | "submitResult" | "respond" | "openWaits" | "grants" | "revokeGrant" | "audit"
>

export interface DecisionsOptions {
  readonly log: SessionLog
  readonly approvals: Approvals
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  /** Called once an answer is durable, so that its run goes on at once. */
  readonly onAnswered: (sessionId: string) => Promise<void>
}

/** Waits and audit records given at once. */
const mostListed = 1_000

/** Clients know a wait by its call. */
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
    // An answer that has no chance need not fit: the store says why it is refused.
    const fitting = takes(wait, nonce, at) ? await validateAnswer(checkSchema, wait, given) : given
    if ("status" in fitting) return fitting
    // It may be a session below the one that the answer came to.
    const { waitId, sessionId } = wait
    const outcome = await log.answer({ type: "answer", sessionId, waitId, nonce, decidedBy, at, ...fitting })
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
      // What was edited is another call than the one that was asked about, so nothing is granted by it.
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

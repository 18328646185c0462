import type { Clock } from "../core/clock.ts"
import type { AnswerCommand, AnswerOutcome, SessionLog } from "../core/ports/session-log.ts"
import { fittingAnswer, type MisfitOptions, misfitOf } from "./misfits.ts"
import type { Sessions } from "./sessions.ts"

/** The part of `Sessions` that asks and answers; it needs the store alone, and no running server. */
export type Decisions = Pick<
  Sessions,
  "decide" | "submitResult" | "respond" | "openWaits" | "grants" | "revokeGrant" | "audit"
>

export interface DecisionsOptions extends MisfitOptions {
  readonly log: SessionLog
  readonly clock: Clock
  /** Called once an answer is durable, so that its run goes on at once. */
  readonly onAnswered: (sessionId: string) => Promise<void>
}

/** Waits and audit records given at once. */
const mostListed = 1_000

export function createDecisions(options: DecisionsOptions): Decisions {
  const { log, approvals, clock, onAnswered } = options
  const answer = async (command: AnswerCommand): Promise<AnswerOutcome> => {
    const outcome = await log.answer(command)
    if (outcome.status === "accepted") await onAnswered(command.sessionId)
    return outcome
  }
  return {
    async decide({ editedInput = null, reason = null, grant = false, ...decision }) {
      // What was edited is another call than the one that was asked about, so nothing is granted by it.
      const asAsked = grant && editedInput === null
      const answered = { editedInput, reason, grant: asAsked, at: clock.now() }
      const command = { type: "approval", ...answered, ...decision } as const
      const misfit = await misfitOf(options, command)
      return misfit ?? answer(command)
    },
    submitResult: (submission) => answer({ type: "toolResult", at: clock.now(), ...submission }),
    async respond({ content = null, ...response }) {
      const command = { type: "elicitation", content, at: clock.now(), ...response } as const
      const fitting = await fittingAnswer(options, command)
      return "status" in fitting ? fitting : answer(fitting)
    },
    openWaits: (filter) => approvals.openWaits({ ...filter, now: clock.now(), limit: mostListed }),
    grants: (sessionId) => approvals.grants(sessionId),
    revokeGrant: (revocation) => approvals.revokeGrant({ ...revocation, at: clock.now() }),
    audit: ({ limit = mostListed, ...filter }) => approvals.audit({ ...filter, limit }),
  }
}

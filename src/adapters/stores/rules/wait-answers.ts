import { createHash, timingSafeEqual } from "node:crypto"
import type { AuditRecord, Grant, Wait } from "../../../core/ports/store/approvals.ts"
import type { AcceptedAnswer, AnswerCommand, AnswerOutcome } from "../../../core/ports/store/session-log.ts"
import { createAnswerRecords, findGrant } from "../rows/decision-records.ts"

/**
 * The effect of an answer on its wait: nothing, or all of these changes in one transaction that also closes the wait.
 */
export type Judgement =
  | { readonly accepted: null; readonly outcome: Exclude<AnswerOutcome, { status: "accepted" }> }
  | { readonly accepted: AcceptedAnswerEffects; readonly outcome: { status: "accepted"; runId: string } }

export interface AcceptedAnswerEffects {
  /** The command for the inbox. */
  readonly command: AcceptedAnswer
  /** Records for the audit trail, oldest first. */
  readonly records: readonly AuditRecord[]
  readonly grant: Grant | null
}

/**
 * Decides the effect of an answer. `wait` is the newest wait with the command's id. `cancelled` is true if a cancel
 * of its run is in the inbox.
 */
export function judgeAnswer(
  wait: Wait | null,
  command: AnswerCommand,
  { cancelled }: { readonly cancelled: boolean },
): Judgement {
  const refused = findRefusal(wait, command, cancelled)
  if (wait === null || refused !== null) return { accepted: null, outcome: refused ?? { status: "unknown" } }
  const { runId, toolCallId } = wait
  const accepted = {
    command: { ...command, runId, toolCallId },
    records: createAnswerRecords(wait, command),
    grant: findGrant(wait, command),
  }
  return { accepted, outcome: { status: "accepted", runId } }
}

/** Returns the sessions that received an answer. */
export function listAnswered(
  commands: readonly AnswerCommand[],
  outcomes: readonly AnswerOutcome[],
): ReadonlySet<string> {
  const accepted = commands.filter((_, index) => outcomes[index]?.status === "accepted")
  return new Set(accepted.map(({ sessionId }) => sessionId))
}

/** Returns the reason to refuse an answer. The checks have the order that the port defines. */
function findRefusal(
  wait: Wait | null,
  command: AnswerCommand,
  cancelled: boolean,
): Exclude<AnswerOutcome, { status: "accepted" }> | null {
  if (wait === null || wait.kind !== command.kind || wait.sessionId !== command.sessionId)
    return { status: "unknown" }
  if (wait.state === "answered") return { status: "answered" }
  if (wait.state !== "open" || wait.expiresAt <= command.at || cancelled) return { status: "expired" }
  if (!isSame(wait.nonce, command.nonce)) return { status: "wrongNonce" }
  return null
}

/** Compares texts in constant time. */
function isSame(known: string, given: string): boolean {
  const [first, second] = [known, given].map((nonce) => createHash("sha256").update(nonce).digest())
  return first !== undefined && second !== undefined && timingSafeEqual(first, second)
}

import { createHash, timingSafeEqual } from "node:crypto"
import type { AuditRecord, Grant, Wait } from "../../core/ports/approvals.ts"
import type { AcceptedAnswer, AnswerCommand, AnswerOutcome } from "../../core/ports/session-log.ts"
import { answerRecords, grantOf } from "../rows/decision-records.ts"

/** The effect of an answer on its wait: none, or all of this in one transaction that also closes the wait. */
export type Judgement =
  | { readonly accepted: null; readonly outcome: Exclude<AnswerOutcome, { status: "accepted" }> }
  | { readonly accepted: AcceptedAnswerEffects; readonly outcome: { status: "accepted"; runId: string } }

export interface AcceptedAnswerEffects {
  /** For the inbox. */
  readonly command: AcceptedAnswer
  /** For the audit trail, oldest first. */
  readonly records: readonly AuditRecord[]
  readonly grant: Grant | null
}

/** `wait` is the newest one with the command's id; `cancelled` tells if a cancel of its run is in the inbox. */
export function judgeAnswer(
  wait: Wait | null,
  command: AnswerCommand,
  { cancelled }: { readonly cancelled: boolean },
): Judgement {
  const refused = refusal(wait, command, cancelled)
  if (wait === null || refused !== null) return { accepted: null, outcome: refused ?? { status: "unknown" } }
  const { runId, toolCallId } = wait
  const accepted = {
    command: { ...command, runId, toolCallId },
    records: answerRecords(wait, command),
    grant: grantOf(wait, command),
  }
  return { accepted, outcome: { status: "accepted", runId } }
}

/** Looked at in the order that the port promises. */
function refusal(
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

/** Takes as long whatever the texts have in common. */
function isSame(known: string, given: string): boolean {
  const [first, second] = [known, given].map((nonce) => createHash("sha256").update(nonce).digest())
  return first !== undefined && second !== undefined && timingSafeEqual(first, second)
}

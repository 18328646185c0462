import type { AnswerOutcome } from "../core/ports/store/session-log.ts"
import type { InvalidAnswer } from "../kernel/sessions/sessions.ts"
import { Problem } from "./problem.ts"

/** Returns if the answer was accepted. Otherwise throws a problem with the reason. */
export function requireAccepted(outcome: AnswerOutcome | InvalidAnswer): void {
  switch (outcome.status) {
    case "accepted":
      return
    case "unknown":
      throw new Problem({ code: "wait_not_found", status: 404 }, "The session has no such open wait.")
    case "answered":
      throw new Problem({ code: "already_answered", status: 409 }, "The call was answered before.")
    case "expired":
      throw new Problem({ code: "wait_expired", status: 410 }, "The wait has ended.")
    case "wrongNonce":
      throw new Problem({ code: "wrong_nonce", status: 403 }, "The nonce is not that of the wait.")
    case "invalid":
      throw new Problem({ code: "invalid_answer", status: 422 }, outcome.message)
    case "forbidden":
      throw new Problem({ code: "approval_by_operator", status: 403 }, outcome.message)
    default:
      outcome satisfies never
  }
}

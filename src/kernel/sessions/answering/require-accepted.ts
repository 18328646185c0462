import { GatewayError } from "../../../core/errors.ts"
import type { AnswerOutcome } from "../../../core/ports/store/session-log.ts"
import type { InvalidAnswer } from "../sessions.ts"

/** Returns if the answer was accepted. Otherwise throws an error with the reason. */
export function requireAccepted(outcome: AnswerOutcome | InvalidAnswer): void {
  switch (outcome.status) {
    case "accepted":
      return
    case "unknown":
      throw new GatewayError({ code: "wait_not_found", status: 404 }, "The session has no such open wait.")
    case "answered":
      throw new GatewayError({ code: "already_answered", status: 409 }, "The wait was answered before.")
    case "expired":
      throw new GatewayError({ code: "wait_expired", status: 410 }, "The wait has ended.")
    case "wrongNonce":
      throw new GatewayError({ code: "wrong_nonce", status: 403 }, "The nonce is not that of the wait.")
    case "invalid":
      throw new GatewayError({ code: "invalid_answer", status: 422 }, outcome.message)
    case "forbidden":
      throw new GatewayError({ code: "approval_by_operator", status: 403 }, outcome.message)
    default:
      outcome satisfies never
  }
}

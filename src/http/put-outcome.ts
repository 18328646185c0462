import type { PutRun } from "../core/ports/store/inbox.ts"
import type { PutOutcome } from "../core/ports/store/session-log.ts"
import { createSessionNotFound, createSessionRevoked, Problem } from "./problem.ts"

/** Returns the run that a message starts or joins. Throws a `Problem` if the message was not accepted. */
export function requireStartedRun(outcome: PutOutcome): PutRun {
  switch (outcome.status) {
    case "accepted":
    case "duplicate":
    case "steered":
      return outcome
    case "queueFull":
      throw new Problem(
        { code: "queue_full", status: 429 },
        "The session's queue is full. Try again when some of its runs have ended.",
      )
    case "busy":
      throw new Problem(
        { code: "run_active", status: 409 },
        "A run of this session is still open or queued.",
        {
          members: { run_id: outcome.runId },
        },
      )
    case "keyReused":
      throw new Problem(
        { code: "idempotency_key_reused", status: 422 },
        "The Idempotency-Key was used before with another body.",
      )
    case "full":
      throw createStorageFull(outcome.scope)
    case "revoked":
      throw createSessionRevoked()
    case "unknown":
      throw createSessionNotFound(401)
    default:
      return outcome satisfies never
  }
}

function createStorageFull(scope: "session" | "principal"): Problem {
  if (scope === "session") {
    return new Problem(
      { code: "session_too_large", status: 413 },
      "The session has reached its storage limit, so it accepts no further message. Start a new session.",
    )
  }
  return new Problem(
    { code: "principal_storage_exceeded", status: 413 },
    "The sessions of this user have reached their storage limit, so no further message is accepted. " +
      "Unused sessions are dropped over time. The operator can raise limits.principalBytes.",
  )
}

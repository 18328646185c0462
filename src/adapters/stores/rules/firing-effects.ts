import type { ScheduleChange } from "../../../core/ports/store/schedules.ts"
import type { PutOutcome } from "../../../core/ports/store/session-log.ts"

/** The effect of a firing on its schedule. */
export interface FiringEffect {
  /** Null if the occurrence started no run. */
  readonly runId: string | null
  readonly reason: string | null
  readonly change: ScheduleChange
}

/** A schedule whose session was revoked is paused, because the revocation rules out further runs in that session. */
export const revokedEffect: FiringEffect = {
  runId: null,
  reason: "session_revoked",
  change: { state: "paused", reason: "session_revoked", nextAt: null, waiting: [], wakeAt: null },
}

/** Decides the effect of a put message on its occurrence. */
export function decideFiringEffect(outcome: PutOutcome): FiringEffect {
  switch (outcome.status) {
    case "accepted":
    case "duplicate":
    case "steered":
      return { runId: outcome.runId, reason: null, change: {} }
    case "revoked":
      return revokedEffect
    case "busy":
      return createSkippedEffect("session_busy")
    case "queueFull":
      return createSkippedEffect("queue_full")
    case "full":
      return createSkippedEffect("storage_full")
    case "keyReused":
    case "unknown":
      return createSkippedEffect("not_accepted")
    default:
      return outcome satisfies never
  }
}

function createSkippedEffect(reason: string): FiringEffect {
  return { runId: null, reason, change: {} }
}

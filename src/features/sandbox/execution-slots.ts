import { GatewayError } from "../../core/errors.ts"
import { createAdmission } from "../../core/fairness/admission.ts"
import { computePlacesForNewcomers } from "../../core/fairness/places-for-newcomers.ts"
import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import { createTally } from "../../core/fairness/tally.ts"
import { computeQueueLimits } from "../../core/fairness/turn-queue.ts"
import type { SandboxSession } from "../../core/ports/tools/sandbox.ts"

/** Limits the concurrent executions: in the process, of one user, and of one session. Further ones wait. */
export interface Slots {
  /**
   * Resolves, when it is the session's turn, to a function that returns the slot. Rejects with the signal's reason,
   * and with a `GatewayError` (`code_execution_busy`) if too many are already waiting.
   */
  take(session: SandboxSession, signal: AbortSignal): Promise<() => void>
}

export interface SlotLimits {
  readonly maxConcurrent: number
  readonly maxConcurrentPerUser: number
  /** Maximum waiting executions, shared as in a `TurnQueue`. */
  readonly maxQueued: number
}

/**
 * Creates the slots. Tenants take turns, and so do the users of a tenant: a free slot goes to the tenant with the
 * oldest turn, however many of its users and executions wait. The last slots are for users without one, unless one
 * user may have all.
 */
export function createSlots({ maxConcurrent, maxConcurrentPerUser, maxQueued }: SlotLimits): Slots {
  const maxPerSession = Math.max(1, Math.floor(maxConcurrent / 4))
  const kept = Math.min(computePlacesForNewcomers(maxConcurrent), maxConcurrent - maxConcurrentPerUser)
  const ofUsers = createTally()
  const ofSessions = createTally()
  let running = 0
  const count = (session: SandboxSession, change: 1 | -1) => {
    running += change
    ofUsers.add(toPrincipalKey(session), change)
    ofSessions.add(session.id, change)
  }
  const mayRun = (session: SandboxSession) => {
    const ofUser = ofUsers.get(toPrincipalKey(session))
    return (
      running < maxConcurrent - (ofUser === 0 ? 0 : kept) &&
      ofUser < maxConcurrentPerUser &&
      ofSessions.get(session.id) < maxPerSession
    )
  }
  const executions = createAdmission<SandboxSession>({
    decide: (_owner, session) => (mayRun(session) ? "now" : "later"),
    start: (_owner, session) => count(session, 1),
    end: (_owner, session) => count(session, -1),
    maxWaiting: maxQueued,
    createBusyError: () => createBusyError(maxQueued),
  })
  return {
    take: (session, signal) => executions.enter(session, session, signal),
  }
}

function createBusyError(maxQueued: number): GatewayError {
  const { maxOfTenant, maxOfUser } = computeQueueLimits(maxQueued)
  return new GatewayError(
    { code: "code_execution_busy", status: 503, retryable: true },
    `This code did not run, because too many executions wait for their turn: at most ${maxQueued} may wait in the ` +
      `gateway, ${maxOfTenant} of one tenant, and ${maxOfUser} of one user. Try again later, with fewer ` +
      "executions at once.",
  )
}

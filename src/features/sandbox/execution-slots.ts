import { GatewayError } from "../../core/errors.ts"
import { computePlacesForNewcomers, hasPlace } from "../../core/fairness/places-for-newcomers.ts"
import { createTurnOrder } from "../../core/fairness/turn-order.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
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
  /**
   * Maximum waiting executions, of which one tenant may have three quarters, and one user a quarter. The last places
   * of the queue, and of a tenant's part of it, are for users without a waiting execution.
   */
  readonly maxQueued: number
}

interface Waiting {
  readonly sessionId: string
  begin(): void
}

/** A user with slots or waiting executions. */
interface User {
  readonly tenant: string
  held: number
  /** Waiting executions in the order of their arrival. */
  readonly waiting: Set<Waiting>
}

/**
 * Creates the slots. Tenants take turns, and so do the users of a tenant: a free slot goes to the tenant with the
 * oldest turn, however many of its users and executions wait. The last slots are for users without one, unless one
 * user may have all.
 */
export function createSlots({ maxConcurrent, maxConcurrentPerUser, maxQueued }: SlotLimits): Slots {
  const maxPerSession = Math.max(1, Math.floor(maxConcurrent / 4))
  const bounds = {
    maxQueued,
    maxQueuedPerTenant: Math.max(1, Math.floor((maxQueued * 3) / 4)),
    maxQueuedPerUser: Math.max(1, Math.floor(maxQueued / 4)),
  }
  const keptForNewUsers = Math.min(
    computePlacesForNewcomers(maxConcurrent),
    maxConcurrent - maxConcurrentPerUser,
  )
  let free = maxConcurrent
  let queued = 0
  const heldBySession = new Map<string, number>()
  const queuedByTenant = new Map<string, number>()
  const users = createTurnOrder<User>()

  const mayBegin = (user: User, sessionId: string) =>
    free > (user.held === 0 ? 0 : keptForNewUsers) &&
    user.held < maxConcurrentPerUser &&
    (heldBySession.get(sessionId) ?? 0) < maxPerSession

  function hold(user: User, sessionId: string, change: 1 | -1): void {
    free -= change
    user.held += change
    count(heldBySession, sessionId, change)
  }

  function findUser(principal: Principal): User {
    const known = users.get(principal)
    if (known !== undefined) return known
    const user: User = { tenant: principal.tenant, held: 0, waiting: new Set() }
    users.set(principal, user)
    return user
  }

  function forgetIfIdle(principal: Principal, user: User): void {
    if (user.held === 0 && user.waiting.size === 0) users.delete(principal)
  }

  function beginNext(): boolean {
    if (free === 0) return false
    for (const [principal, user] of users) {
      for (const next of user.waiting) {
        if (!mayBegin(user, next.sessionId)) continue
        next.begin()
        users.moveToEnd(principal)
        return true
      }
    }
    return false
  }

  function waitForTurn(user: User, sessionId: string, signal: AbortSignal): Promise<void> {
    const ofTenant = queuedByTenant.get(user.tenant) ?? 0
    const isNew = user.waiting.size === 0
    if (
      !hasPlace(queued, bounds.maxQueued, isNew) ||
      !hasPlace(ofTenant, bounds.maxQueuedPerTenant, isNew) ||
      user.waiting.size >= bounds.maxQueuedPerUser
    ) {
      throw createBusyError(bounds)
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        user.waiting.delete(entry)
        queued -= 1
        count(queuedByTenant, user.tenant, -1)
        signal.removeEventListener("abort", onAbort)
      }
      const onAbort = () => {
        leave()
        reject(signal.reason)
      }
      const begin = () => {
        leave()
        hold(user, sessionId, 1)
        resolve()
      }
      const entry: Waiting = { sessionId, begin }
      user.waiting.add(entry)
      queued += 1
      count(queuedByTenant, user.tenant, 1)
      signal.addEventListener("abort", onAbort, { once: true })
    })
  }

  return {
    async take({ id: sessionId, tenant, userId }, signal) {
      signal.throwIfAborted()
      const principal = { tenant, userId }
      const user = findUser(principal)
      try {
        if (mayBegin(user, sessionId)) {
          hold(user, sessionId, 1)
          users.moveToEnd(principal)
        } else await waitForTurn(user, sessionId, signal)
      } catch (error) {
        forgetIfIdle(principal, user)
        throw error
      }
      let returned = false
      return () => {
        if (returned) return
        returned = true
        hold(user, sessionId, -1)
        while (beginNext());
        forgetIfIdle(principal, user)
      }
    },
  }
}

/** Changes a number of a map, and removes numbers that become 0. */
function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change
  if (next === 0) counts.delete(key)
  else counts.set(key, next)
}

interface QueueBounds {
  readonly maxQueued: number
  readonly maxQueuedPerTenant: number
  readonly maxQueuedPerUser: number
}

function createBusyError({ maxQueued, maxQueuedPerTenant, maxQueuedPerUser }: QueueBounds): GatewayError {
  return new GatewayError(
    { code: "code_execution_busy", status: 503, retryable: true },
    `This code did not run, because too many executions wait for their turn: at most ${maxQueued} may wait in the ` +
      `gateway, ${maxQueuedPerTenant} of one tenant, and ${maxQueuedPerUser} of one user. Try again later, with fewer ` +
      "executions at once.",
  )
}

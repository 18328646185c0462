import { GatewayError } from "../core/errors.ts"
import type { SandboxSession } from "../core/ports/sandbox.ts"

/** Limits how many executions run at once: in the process, of one user, and of one session. Further ones wait. */
export interface Slots {
  /**
   * Resolves, when it is the session's turn, with a function that returns the slot. Rejects with the signal's reason,
   * and with a `GatewayError` (`code_execution_busy`) when too many wait already.
   */
  take(session: SandboxSession, signal: AbortSignal): Promise<() => void>
}

export interface SlotLimits {
  readonly maxConcurrent: number
  readonly maxConcurrentPerUser: number
  /** Executions that wait for a slot, of which one user may have a quarter. */
  readonly maxQueued: number
}

interface Waiting {
  readonly sessionId: string
  begin(): void
}

/** A user with slots or waiting executions. */
interface User {
  held: number
  /** In the order of their arrival. */
  readonly waiting: Set<Waiting>
}

/** Users take turns: a free slot goes to the user whose last turn is the longest ago, however many of theirs wait. */
export function createSlots({ maxConcurrent, maxConcurrentPerUser, maxQueued }: SlotLimits): Slots {
  const maxPerSession = Math.max(1, Math.floor(maxConcurrent / 4))
  const maxQueuedPerUser = Math.max(1, Math.floor(maxQueued / 4))
  let free = maxConcurrent
  let queued = 0
  const heldBySession = new Map<string, number>()
  /** The user whose turn is next comes first. */
  const users = new Map<string, User>()

  const mayBegin = (user: User, sessionId: string) =>
    free > 0 && user.held < maxConcurrentPerUser && (heldBySession.get(sessionId) ?? 0) < maxPerSession

  function hold(user: User, sessionId: string, change: 1 | -1): void {
    free -= change
    user.held += change
    const ofSession = (heldBySession.get(sessionId) ?? 0) + change
    if (ofSession === 0) heldBySession.delete(sessionId)
    else heldBySession.set(sessionId, ofSession)
  }

  function userOf(key: string): User {
    const known = users.get(key)
    if (known !== undefined) return known
    const user: User = { held: 0, waiting: new Set() }
    users.set(key, user)
    return user
  }

  function moveToEnd(key: string, user: User): void {
    users.delete(key)
    users.set(key, user)
  }

  function forgetIfIdle(key: string, user: User): void {
    if (user.held === 0 && user.waiting.size === 0) users.delete(key)
  }

  function beginNext(): boolean {
    for (const [key, user] of users) {
      for (const next of user.waiting) {
        if (!mayBegin(user, next.sessionId)) continue
        next.begin()
        moveToEnd(key, user)
        return true
      }
    }
    return false
  }

  function waitForTurn(user: User, sessionId: string, signal: AbortSignal): Promise<void> {
    if (queued >= maxQueued || user.waiting.size >= maxQueuedPerUser) throw busy(maxQueued, maxQueuedPerUser)
    return new Promise((resolve, reject) => {
      const leave = () => {
        user.waiting.delete(entry)
        queued -= 1
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
      signal.addEventListener("abort", onAbort, { once: true })
    })
  }

  return {
    async take({ id: sessionId, tenant, userId }, signal) {
      signal.throwIfAborted()
      const key = JSON.stringify([tenant, userId])
      const user = userOf(key)
      try {
        if (mayBegin(user, sessionId)) {
          hold(user, sessionId, 1)
          moveToEnd(key, user)
        } else await waitForTurn(user, sessionId, signal)
      } catch (error) {
        forgetIfIdle(key, user)
        throw error
      }
      let returned = false
      return () => {
        if (returned) return
        returned = true
        hold(user, sessionId, -1)
        while (beginNext());
        forgetIfIdle(key, user)
      }
    },
  }
}

function busy(maxQueued: number, maxQueuedPerUser: number): GatewayError {
  return new GatewayError(
    { code: "code_execution_busy", status: 503, retryable: true },
    `This code did not run, because too many executions wait for their turn: at most ${maxQueued} may wait in the ` +
      `gateway, and ${maxQueuedPerUser} of one user. Try again later, with fewer executions at once.`,
  )
}

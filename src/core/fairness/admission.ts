import { OverloadedError } from "../errors.ts"
import type { Principal } from "../ports/store/session-log.ts"
import { createTurnQueue } from "./turn-queue.ts"

/**
 * Decides about work that may start `"now"`. Other work may start before work that waits for its own owner
 * (`"later"`), but not before work that is `"next"`, because large work could otherwise wait forever.
 */
export type Decision = "now" | "later" | "next"

export interface AdmissionOptions<Work> {
  decide(owner: Principal, work: Work): Decision
  /** Counts work that starts. */
  start(owner: Principal, work: Work): void
  /** Stops counting work that has ended. */
  end(owner: Principal, work: Work): void
  /** Limits the waiting work, as in a `TurnQueue`. Default: not limited, for work that is limited elsewhere. */
  readonly maxWaiting?: number
  /** Creates the error for work that finds the queue full. Default: an `OverloadedError`. */
  readonly createBusyError?: () => Error
}

/** Lets work start while there is room for it. Other work waits, and its owners take turns. */
export interface Admission<Work> {
  /** Resolves to a function that ends the work. Rejects with the signal's reason, or if too much work waits. */
  enter(owner: Principal, work: Work, signal: AbortSignal): Promise<() => void>
}

interface Waiting<Work> {
  readonly work: Work
  readonly start: () => void
}

export function createAdmission<Work>(options: AdmissionOptions<Work>): Admission<Work> {
  const { decide, maxWaiting = Number.MAX_SAFE_INTEGER, createBusyError = createOverloadedError } = options
  const queue = createTurnQueue<Waiting<Work>>(maxWaiting)
  /** The work that no other work may pass. */
  let next: Waiting<Work> | null = null

  function mayStart(owner: Principal, waiting: Waiting<Work>): boolean {
    if (next !== null) return false
    const decision = decide(owner, waiting.work)
    if (decision === "next") next = waiting
    return decision === "now"
  }

  function startWaiting(): void {
    next = null
    for (let first = queue.take(undefined, mayStart); first !== null; first = queue.take(undefined, mayStart))
      first.start()
  }

  function start(owner: Principal, work: Work): () => void {
    options.start(owner, work)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      options.end(owner, work)
      startWaiting()
    }
  }

  return {
    async enter(owner, work, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<() => void>()
      const waiting = { work, start: () => resolve(start(owner, work)) }
      if (mayStart(owner, waiting)) return start(owner, work)
      if (!queue.add(owner, waiting)) {
        if (next === waiting) next = null
        throw createBusyError()
      }
      const leave = () => {
        queue.remove(owner, waiting)
        if (next === waiting) startWaiting()
        reject(signal.reason)
      }
      signal.addEventListener("abort", leave, { once: true })
      return promise.finally(() => signal.removeEventListener("abort", leave))
    },
  }
}

function createOverloadedError(): OverloadedError {
  return new OverloadedError("Too much work waits for its turn. Try again later.")
}

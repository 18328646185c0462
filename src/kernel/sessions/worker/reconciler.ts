import type { Lease, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { LeaseHold } from "./lease-hold.ts"

export interface ReconcilerOptions {
  readonly log: Pick<SessionLog, "held">
  readonly hold: LeaseHold
  /** Returns the leases that this process works on now. */
  readonly known: () => readonly KnownLease[]
  /** Returns true if a claim of the session is in progress and its reply may still arrive. */
  readonly isBeingClaimed: (sessionId: string) => boolean
  /** Called with a lease that this process holds without knowing it, because a reply was lost. */
  readonly onFound: (lease: Lease) => Promise<void>
}

export interface KnownLease {
  readonly lease: Lease
  /** Returns true if the session is being released, so the store may no longer have the lease. */
  readonly isLeaving: () => boolean
  /** Called if the store does not have this lease, because another process took the session. */
  readonly onLost: () => void
}

/**
 * Compares the leases that this process works on with the leases that the store records for it (rule 9, claiming).
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /**
   * Runs one comparison at a time. Resolves to true if the comparison covered all leases, and to false if it left out
   * an unknown one whose session is being claimed. Rejects if the store is unavailable.
   */
  run(): Promise<boolean> {
    const running = this.#last.then(() => this.#compare())
    this.#last = running.catch(() => undefined)
    return running
  }

  async #compare(): Promise<boolean> {
    const { log, hold, known, isBeingClaimed, onFound } = this.#options
    const { state } = hold
    const before = known()
    const held = new Map((await log.held()).map((lease) => [lease.sessionId, lease]))
    for (const { lease, isLeaving, onLost } of before) {
      if (held.get(lease.sessionId)?.epoch !== lease.epoch && !isLeaving()) onLost()
    }
    hold.confirm(state)
    const epochs = new Map([...before, ...known()].map(({ lease }) => [lease.sessionId, lease.epoch]))
    let isComplete = true
    for (const lease of held.values()) {
      const isKnown = (epochs.get(lease.sessionId) ?? 0) >= lease.epoch
      if (isKnown) continue
      if (isBeingClaimed(lease.sessionId)) isComplete = false
      else await onFound(lease)
    }
    return isComplete
  }
}

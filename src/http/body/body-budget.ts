import { createLedger } from "../../core/fairness/ledger.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"

/** Memory for the request bodies that are being read and handled in this process. */
export interface BodyBudget {
  /** Opens the share of one request in its owner's memory. */
  open(owner: Principal): BodyShare
}

export interface BodyShare {
  /** Increases the share to this size. Returns false if that would leave too little for others. */
  takeUpTo(bytes: number): boolean
  /** Releases the whole share. Called once, when the request has been handled. */
  release(): void
}

export interface BodyBudgetLimits {
  /** Maximum bytes of one owner's requests together. */
  readonly ownerBytes: number
  readonly totalBytes: number
  /**
   * Bytes reserved for tenants without a body, and in each tenant's three quarters for its users without one. Slow
   * uploads of a few clients can hold all other bytes as long as they like.
   */
  readonly keptBytes: number
}

/** Share of the whole that the owners of one tenant may use together. */
const tenantShare = 3 / 4

export function createBodyBudget({ ownerBytes, totalBytes, keptBytes }: BodyBudgetLimits): BodyBudget {
  const held = createLedger({
    max: totalBytes,
    maxOfTenant: totalBytes * tenantShare,
    maxOfUser: ownerBytes,
    kept: keptBytes,
  })
  return {
    open(owner) {
      let taken = 0
      return {
        takeUpTo(bytes) {
          const more = Math.max(bytes - taken, 0)
          if (!held.fits(owner, more, taken)) return false
          held.add(owner, more)
          taken += more
          return true
        },
        release() {
          held.add(owner, -taken)
          taken = 0
        },
      }
    },
  }
}

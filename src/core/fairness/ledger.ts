import type { Principal } from "../ports/store/session-log.ts"
import { toPrincipalKey } from "./principal-key.ts"
import { createTally } from "./tally.ts"

export interface LedgerLimits {
  readonly max: number
  /** Maximum of one tenant. Default `max`. */
  readonly maxOfTenant?: number
  readonly maxOfUser: number
  /** Part of `max` that only tenants receive that hold nothing. Default 0. */
  readonly kept?: number
  /** Part of `maxOfTenant` that only users receive who hold nothing. Default `kept`. */
  readonly keptOfTenant?: number
}

/**
 * Counts what principals hold of something limited, such as bytes or places. Few principals with all the rest cannot
 * take the parts that are kept for others.
 */
export interface Ledger {
  /**
   * Returns true if the principal may hold this much more now. `own` is the amount that it already holds for the same
   * purpose, which does not count as holding something.
   */
  fits(principal: Principal, amount: number, own?: number): boolean
  /** Adds an amount, or gives back a negative one. */
  add(principal: Principal, amount: number): void
}

export function createLedger({
  max,
  maxOfTenant = max,
  maxOfUser,
  kept = 0,
  keptOfTenant = kept,
}: LedgerLimits): Ledger {
  const users = createTally()
  const tenants = createTally()
  let total = 0
  return {
    fits(principal, amount, own = 0) {
      const ofUser = users.get(toPrincipalKey(principal))
      const ofTenant = tenants.get(principal.tenant)
      return (
        ofUser + amount <= maxOfUser &&
        ofTenant + amount <= maxOfTenant - (ofUser > own ? keptOfTenant : 0) &&
        total + amount <= max - (ofTenant > own ? kept : 0)
      )
    },
    add(principal, amount) {
      users.add(toPrincipalKey(principal), amount)
      tenants.add(principal.tenant, amount)
      total += amount
    },
  }
}

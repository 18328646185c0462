import { toPrincipalKey } from "../../../core/fairness/principal-key.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { HeldPlaces, Shares } from "../../../core/ports/store/shares.ts"
import type { Clock } from "../../../core/time/clock.ts"

/** Maximum number of principals without a place whose last turn is remembered. */
const maxRemembered = 200
/** Milliseconds for which places are kept free for a tenant after its last run. */
const tenantMemoryMs = 600_000

/** Share of a tenant's places that is reserved for its principals without a place. */
const keptShare = 1 / 20

export interface SlotsOptions {
  readonly maxConcurrentRuns: number
  readonly maxConcurrentRunsPerPrincipal: number
  /** Bounds a tenant while this process serves other tenants too. A single tenant may have all places. */
  readonly maxConcurrentRunsPerTenant: number
  /**
   * Number of places that are reserved for tenants without a place. If it is not 0, a twentieth of each tenant's
   * places is reserved for its principals without a place.
   */
  readonly placesForNewTenants: number
  readonly clock: Clock
}

/** The places for runs in this process, and how many of them each tenant and each principal has. */
export class Slots {
  readonly #options: SlotsOptions
  readonly #held = new Map<string, HeldPlaces>()
  /** The last turns of principals that no longer have a place, oldest first. */
  readonly #former = new Map<string, HeldPlaces>()
  /** Number of places of each tenant that has any. */
  readonly #tenants = new Map<string, number>()
  /** The times at which tenants without a place ended their last run, oldest first. */
  readonly #formerTenants = new Map<string, number>()
  #taken = 0
  /** Places reserved for sessions that are being claimed. Their principals are not known yet. */
  #reserved = 0
  #turns = 0

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  get free(): number {
    return this.#options.maxConcurrentRuns - this.#taken - this.#reserved
  }

  /** Number of places that tenants with a place may use now. */
  get freeForPresentTenants(): number {
    return Math.max(0, this.free - this.#options.placesForNewTenants)
  }

  /** Returns true if the principal, or its tenant, has its maximum number of places. */
  isAtShare(principal: Principal): boolean {
    const count = this.#held.get(toPrincipalKey(principal))?.count ?? 0
    if (count >= this.#options.maxConcurrentRunsPerPrincipal) return true
    const ofTenant = this.#tenants.get(principal.tenant) ?? 0
    if (ofTenant >= this.#tenantShare()) return true
    if (count > 0 && ofTenant >= this.#shareOfPresentPrincipals()) return true
    return this.#options.placesForNewTenants > 0 && ofTenant > 0 && this.freeForPresentTenants === 0
  }

  take({ tenant, userId }: Principal): void {
    const key = toPrincipalKey({ tenant, userId })
    const count = (this.#held.get(key)?.count ?? 0) + 1
    this.#held.set(key, { tenant, userId, count, lastTurn: ++this.#turns })
    this.#former.delete(key)
    this.#tenants.set(tenant, (this.#tenants.get(tenant) ?? 0) + 1)
    this.#formerTenants.delete(tenant)
    this.#taken += 1
  }

  release(principal: Principal): void {
    const key = toPrincipalKey(principal)
    const held = this.#held.get(key)
    if (held === undefined) return
    this.#taken -= 1
    this.#releaseTenant(held.tenant)
    if (held.count > 1) this.#held.set(key, { ...held, count: held.count - 1 })
    else {
      this.#held.delete(key)
      remember(this.#former, key, { ...held, count: 0 })
    }
  }

  #releaseTenant(tenant: string): void {
    const left = (this.#tenants.get(tenant) ?? 0) - 1
    if (left > 0) this.#tenants.set(tenant, left)
    else {
      this.#tenants.delete(tenant)
      remember(this.#formerTenants, tenant, this.#options.clock.now())
    }
  }

  /** Returns the maximum number of places of one tenant now. */
  #tenantShare(): number {
    const { maxConcurrentRuns, maxConcurrentRunsPerTenant, clock } = this.#options
    const since = clock.now() - tenantMemoryMs
    for (const [tenant, endedAt] of this.#formerTenants) {
      if (endedAt > since) break
      this.#formerTenants.delete(tenant)
    }
    const isAlone = this.#tenants.size + this.#formerTenants.size <= 1
    return isAlone ? maxConcurrentRuns : maxConcurrentRunsPerTenant
  }

  /** Returns the number of places of one tenant after which only its principals without a place receive one. */
  #shareOfPresentPrincipals(): number {
    const { maxConcurrentRuns, placesForNewTenants: kept } = this.#options
    const share = Math.min(this.#tenantShare(), maxConcurrentRuns - kept)
    return kept === 0 ? share : share - Math.floor(share * keptShare)
  }

  /** Reserves a place while `claim` finds out its owner. */
  async whileReserved<T>(claim: () => Promise<T>): Promise<T> {
    this.#reserved += 1
    try {
      return await claim()
    } finally {
      this.#reserved -= 1
    }
  }

  /** Returns the counts that a store needs to assign places fairly. */
  shares(): Shares {
    const { maxConcurrentRunsPerPrincipal: perPrincipal } = this.#options
    return {
      perPrincipal,
      perTenant: this.#tenantShare(),
      perTenantOfPresentPrincipals: this.#shareOfPresentPrincipals(),
      forPresentTenants: this.freeForPresentTenants,
      held: [...this.#held.values(), ...this.#former.values()],
    }
  }
}

/** Adds an entry to a bounded map, and drops its oldest entry if it is full. */
function remember<T>(former: Map<string, T>, key: string, value: T): void {
  former.set(key, value)
  const [oldest] = former.keys()
  if (former.size > maxRemembered && oldest !== undefined) former.delete(oldest)
}

import type { Principal } from "./session-log.ts"

/** Maximum shares of tenants, and of the principals of each tenant, in the sessions that a process works on. */
export interface Shares {
  /** Maximum number of sessions of one principal that the process works on at once. */
  readonly perPrincipal: number
  /** Maximum number of sessions of one tenant that the process works on at once. */
  readonly perTenant: number
  /**
   * Maximum number of claimed sessions of tenants that already have a session here. The others must be the first
   * sessions of new tenants. Default: all.
   */
  readonly forPresentTenants?: number
  /**
   * If a tenant has this number of sessions here, further ones must belong to principals that have none. Default:
   * `perTenant`.
   */
  readonly perTenantOfPresentPrincipals?: number
  /** The principals whose sessions the process works on, or did recently. */
  readonly held: readonly HeldPlaces[]
}

/** The places of one principal. */
export interface HeldPlaces extends Principal {
  /** Number of sessions that the process works on now. */
  readonly count: number
  /** Grows with each session that the process starts to work on. The principal with the oldest turn comes first. */
  readonly lastTurn: number
}

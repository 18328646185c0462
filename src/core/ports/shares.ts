import type { Principal } from "./session-log.ts"

/** Shares of tenants, and of the principals of each tenant, in the sessions that a process works on. */
export interface Shares {
  /** Sessions of one principal that the process works on at once. */
  readonly perPrincipal: number
  /** Sessions of one tenant that the process works on at once. */
  readonly perTenant: number
  /**
   * Number of sessions to claim that may be of tenants for which the process works already. The others are the first
   * sessions of tenants for which it works on none. Default: all.
   */
  readonly forPresentTenants?: number
  /**
   * Number of sessions of one tenant from which on its further places are only for its principals for which the process
   * works on none. Default: `perTenant`.
   */
  readonly perTenantOfPresentPrincipals?: number
  /** The principals that the process works for, or did lately. */
  readonly held: readonly HeldPlaces[]
}

/** The places of one principal. */
export interface HeldPlaces extends Principal {
  /** Number of sessions that the process works on now. */
  readonly count: number
  /** Grows with each session that the process begins to work on: who had a turn longer ago comes first. */
  readonly lastTurn: number
}

import { z } from "zod"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"

/** Options of the gateway's sessions and of the places for their runs. All are optional. */
export interface SessionOptions {
  /** Days until a session is dropped, counted from its last run. Default 30. */
  readonly sessionRetentionDays?: number
  /**
   * Seconds that streamed pieces of a turn are kept after the turn is complete, for clients that reconnect. A client
   * that reconnects later receives the text as a whole. Default 600.
   */
  readonly keepDeltasSeconds?: number
  /** Maximum number of runs that this process works on at once. Further runs wait. Default 1 000. */
  readonly maxConcurrentRuns?: number
  /**
   * Maximum number of runs of one user that this process works on at once. Further runs wait. Default: a quarter of
   * `maxConcurrentRuns`.
   */
  readonly maxConcurrentRunsPerPrincipal?: number
  /**
   * Maximum number of runs of one tenant that this process works on at once, if it had runs of other tenants in the
   * last ten minutes. Further runs wait. A single tenant may use all places except those for new tenants. Default:
   * three quarters of `maxConcurrentRuns`.
   */
  readonly maxConcurrentRunsPerTenant?: number
  /**
   * Number of places that only a tenant without a run in this process receives, so that a new tenant does not wait
   * while others fill the process. Default: a twentieth of `maxConcurrentRuns`, rounded down.
   */
  readonly placesForNewTenants?: number
}

export const sessionOptions = declareOptions<SessionOptions>()({
  sessionRetentionDays: z.number().positive().default(30),
  keepDeltasSeconds: z.number().nonnegative().default(600),
  maxConcurrentRuns: count.default(1_000),
  maxConcurrentRunsPerPrincipal: count.optional(),
  maxConcurrentRunsPerTenant: count.optional(),
  placesForNewTenants: z.int().nonnegative().optional(),
})

export type ResolvedSessionOptions = Resolved<SessionOptions, typeof sessionOptions>

/** The places for runs in this process. */
export type Places = Required<
  Pick<
    SessionOptions,
    | "maxConcurrentRuns"
    | "maxConcurrentRunsPerPrincipal"
    | "maxConcurrentRunsPerTenant"
    | "placesForNewTenants"
  >
>

/** Returns the places for runs. The defaults of three options depend on the first one. */
export function resolvePlaces({ maxConcurrentRuns, ...options }: ResolvedSessionOptions): Places {
  return {
    maxConcurrentRuns,
    maxConcurrentRunsPerPrincipal: options.maxConcurrentRunsPerPrincipal ?? Math.ceil(maxConcurrentRuns / 4),
    maxConcurrentRunsPerTenant: options.maxConcurrentRunsPerTenant ?? Math.ceil((maxConcurrentRuns * 3) / 4),
    placesForNewTenants: options.placesForNewTenants ?? Math.floor(maxConcurrentRuns / 20),
  }
}

/** Bounds on stored sessions, in bytes of their events. Members of the option `limits`. */
export interface StorageBounds {
  /** Maximum bytes of a session. A larger session accepts no further message. Default 64 MiB. */
  readonly sessionBytes: number
  /**
   * Maximum bytes of all sessions of a user. If they store more, the user starts no further run over HTTP. Default 1
   * GiB.
   */
  readonly principalBytes: number
}

/** Bounds on memory. Members of the option `limits`. */
export interface LiveBounds {
  /**
   * Maximum bytes of the sessions over 256 KiB that the runs of this process have in memory at once. Further runs wait
   * in the store. One user has at most a quarter. A larger session waits until it is alone. Default: a part of V8's
   * heap limit, between 16 and 96 MiB.
   */
  readonly liveBytes?: number
}

/**
 * 64 MiB is more than any model reads of one conversation, and equals two hundred images of the maximum size. A
 * principal may have sixteen such sessions, or a thousand of 1 MiB, within the retention time.
 */
export const storageBounds = declareOptions<Partial<StorageBounds & LiveBounds>>()({
  sessionBytes: count.default(64 * 1024 * 1024),
  principalBytes: count.default(1024 * 1024 * 1024),
  liveBytes: count.optional(),
})

import { z } from "zod"
import { declareOptions, type Resolved } from "../../../platform/options/declare-options.ts"
import { resolveOptions } from "../../../platform/options/resolve-options.ts"

/** Options of `postgresStore`. */
export interface PostgresOptions {
  /**
   * Maximum number of connections of this process to the server, from 4: two for its heartbeat and for `LISTEN`, up to
   * four for commits, and the others for everything else. Default 12.
   */
  readonly connections?: number
}

const postgresOptions = declareOptions<PostgresOptions>()({
  connections: z.int().min(4).max(1_000).default(12),
})

export type ResolvedPostgresOptions = Resolved<PostgresOptions, typeof postgresOptions>

export function resolvePostgresOptions(options: PostgresOptions): ResolvedPostgresOptions {
  return resolveOptions("postgresStore", postgresOptions, options)
}

/** Connections outside the pools: for the heartbeat and for `LISTEN`. */
const standing = 2
/** Number of commits that are in flight at once (rule 4). */
const maxCommits = 4

export interface PoolSizes {
  /**
   * Number of connections for commits. They are separate, so that calls that wait for a locked row cannot delay
   * commits.
   */
  readonly commits: number
  /** Number of connections for everything else. */
  readonly others: number
}

/** Divides the connections of a process, at most two fifths of those in pools for commits. */
export function dividePools({ connections }: ResolvedPostgresOptions): PoolSizes {
  const pooled = connections - standing
  const commits = Math.min(maxCommits, Math.max(1, Math.floor((pooled * 2) / 5)))
  return { commits, others: pooled - commits }
}

import type { SessionBatch } from "../../../core/ports/session-log.ts"

/**
 * Runs a commit of these batches once every earlier commit of the same sessions is over; those of others run
 * meanwhile.
 */
export type InOrder = <T>(batches: readonly SessionBatch[], commit: () => Promise<T>) => Promise<T>

/**
 * Keeps commits of one session in the order of the calls: on connections of their own they could overtake each other.
 */
export function createCommitOrder(): InOrder {
  /** The last commit of each session that is under way. */
  const last = new Map<string, Promise<unknown>>()

  return async (batches, commit) => {
    const sessions = new Set(batches.map(({ lease }) => lease.sessionId))
    const earlier = [...sessions].flatMap((id) => last.get(id) ?? [])
    // Whoever made the earlier commit handles its failure; this one only waits for its end.
    const committing = earlier.length === 0 ? commit() : Promise.allSettled(earlier).then(commit)
    for (const id of sessions) last.set(id, committing)
    try {
      return await committing
    } finally {
      for (const id of sessions) if (last.get(id) === committing) last.delete(id)
    }
  }
}

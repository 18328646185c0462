import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"

/**
 * Runs a commit of these batches after every earlier commit of the same sessions. Commits of other sessions run
 * concurrently.
 */
export type InOrder = <T>(batches: readonly SessionBatch[], commit: () => Promise<T>) => Promise<T>

/** Keeps commits of one session in the order of the calls. On separate connections they could overtake each other. */
export function createCommitOrder(): InOrder {
  /** The last commit in progress of each session. */
  const last = new Map<string, Promise<unknown>>()

  return async (batches, commit) => {
    const sessions = new Set(batches.map(({ lease }) => lease.sessionId))
    const earlier = [...sessions].flatMap((id) => last.get(id) ?? [])
    // The caller of the earlier commit handles its failure. This one only waits for its end.
    const committing = earlier.length === 0 ? commit() : Promise.allSettled(earlier).then(commit)
    for (const id of sessions) last.set(id, committing)
    try {
      return await committing
    } finally {
      for (const id of sessions) if (last.get(id) === committing) last.delete(id)
    }
  }
}

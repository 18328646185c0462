import { createRecentMap } from "../../core/recent-cache.ts"
import type { DiskUsage } from "../workspace/usage.ts"

/** Owner of an execution: a user of a tenant, and one of the user's sessions. */
export interface Holder {
  readonly id: string
  readonly tenant: string
  readonly userId: string
}

/** Space that the working directories of users hold, those without an execution included. */
export interface Holdings {
  /** Records how much the session's working directory takes now. */
  record(session: Holder, usage: DiskUsage): void
  /** Returns what the session's working directory took when it was last recorded; null if that is not known. */
  ofSession(session: Holder): DiskUsage | null
  /** Returns the sum over all sessions of the session's user that are known. */
  ofUser(session: Holder): DiskUsage
}

/** Sessions whose size is known. Those recorded least recently are forgotten first. */
const maxSessions = 10_000

export function createHoldings(): Holdings {
  const sessions = createRecentMap<DiskUsage & { readonly user: string }>(maxSessions)

  return {
    record: (session, { bytes, entries }) =>
      sessions.set(session.id, { user: userOf(session), bytes, entries }),
    ofSession: ({ id }) => sessions.get(id) ?? null,
    ofUser(session) {
      const user = userOf(session)
      let [bytes, entries] = [0, 0]
      for (const each of sessions.values()) {
        if (each.user !== user) continue
        bytes += each.bytes
        entries += each.entries
      }
      return { bytes, entries }
    },
  }
}

/**
 * Returns by how much a user has to shrink, so that its sessions hold no more than is left for all others. What it
 * gives back is left for them, too, which is why half of the difference is enough.
 */
export function excessOf(held: DiskUsage, spare: DiskUsage): DiskUsage {
  return { bytes: halfOf(held.bytes - spare.bytes), entries: halfOf(held.entries - spare.entries) }
}

function halfOf(difference: number): number {
  return Math.ceil(Math.max(0, difference) / 2)
}

function userOf({ tenant, userId }: Holder): string {
  return JSON.stringify([tenant, userId])
}

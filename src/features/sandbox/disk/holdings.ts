import { createRecentMap } from "../../../core/recent-cache.ts"
import type { DiskUsage } from "../workspace/disk-usage.ts"

/** Owner of an execution: a user of a tenant, and one of the user's sessions. */
export interface Holder {
  readonly id: string
  readonly tenant: string
  readonly userId: string
}

export interface HeldUsage {
  readonly session: Holder
  readonly usage: DiskUsage
}

/** Space that the working directories of users hold, including those without an execution. */
export interface Holdings {
  /** Records the current usage of the session's working directory. */
  record(session: Holder, usage: DiskUsage): void
  /** Returns the last recorded usage of the session's working directory. Null if it is not known. */
  ofSession(session: Holder): DiskUsage | null
  /** Forgets a removed working directory. */
  forget(sessionId: string): void
  /** Returns all known sessions with their usage. */
  all(): readonly HeldUsage[]
  /** Returns the sum over all known sessions of the session's user. */
  ofUser(session: Holder): DiskUsage
}

/** Maximum number of sessions with a known size. Those recorded least recently are forgotten first. */
const maxSessions = 10_000

export function createHoldings(): Holdings {
  const sessions = createRecentMap<HeldUsage & { readonly user: string }>(maxSessions)

  return {
    record({ id, tenant, userId }, { bytes, entries }) {
      const session = { id, tenant, userId }
      sessions.set(id, { session, usage: { bytes, entries }, user: toUserKey(session) })
    },
    ofSession: ({ id }) => sessions.get(id)?.usage ?? null,
    forget: (sessionId) => sessions.delete(sessionId),
    all: () => [...sessions.values()],
    ofUser(session) {
      const user = toUserKey(session)
      let [bytes, entries] = [0, 0]
      for (const each of sessions.values()) {
        if (each.user !== user) continue
        bytes += each.usage.bytes
        entries += each.usage.entries
      }
      return { bytes, entries }
    },
  }
}

/**
 * Returns the amount by which a user must shrink, so that its sessions hold no more than is left for all others. The
 * freed space is left for the others too, so half of the difference is enough.
 */
export function computeExcess(held: DiskUsage, spare: DiskUsage): DiskUsage {
  return { bytes: computeHalf(held.bytes - spare.bytes), entries: computeHalf(held.entries - spare.entries) }
}

function computeHalf(difference: number): number {
  return Math.ceil(Math.max(0, difference) / 2)
}

function toUserKey({ tenant, userId }: Holder): string {
  return JSON.stringify([tenant, userId])
}

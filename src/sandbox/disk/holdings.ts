import { createRecentMap } from "../../core/recent-cache.ts"

/** Owner of an execution: a user of a tenant, and one of the user's sessions. */
export interface Holder {
  readonly id: string
  readonly tenant: string
  readonly userId: string
}

/** Bytes that the working directories of users hold, those without an execution included. */
export interface Holdings {
  /** Records how much the session's working directory takes now. */
  record(session: Holder, bytes: number): void
  /** Returns the sum over all sessions of the session's user that are known. */
  ofUser(session: Holder): number
}

/** Sessions whose size is known. Those recorded least recently are forgotten first. */
const maxSessions = 10_000

export function createHoldings(): Holdings {
  const sessions = createRecentMap<{ readonly user: string; readonly bytes: number }>(maxSessions)

  return {
    record: (session, bytes) => sessions.set(session.id, { user: userOf(session), bytes }),
    ofUser(session) {
      const user = userOf(session)
      let sum = 0
      for (const each of sessions.values()) if (each.user === user) sum += each.bytes
      return sum
    },
  }
}

function userOf({ tenant, userId }: Holder): string {
  return JSON.stringify([tenant, userId])
}

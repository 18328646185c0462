import { createRecentMap } from "../recent-cache.ts"
import type { EventEntry } from "./entries.ts"

/** Reads the events of a session after a sequence number, oldest first. Returns none at the end of the log. */
export type ReadEvents = (sessionId: string, afterSeq: number) => Promise<readonly EventEntry[]>

/** Resolves to the state that the log of a session leads to, now or up to a sequence number. */
export type SessionFold<State> = (
  sessionId: string,
  options: { readonly signal: AbortSignal; readonly upToSeq?: number },
) => Promise<State>

/** Maximum number of sessions whose state is kept in memory. The logs of others are read from the start again. */
const maxSessions = 1_000

/** Derives a state from the logs of sessions. Each call reads only the entries that were added since the last one. */
export function createSessionFold<State>(
  readEvents: ReadEvents,
  initial: State,
  apply: (state: State, entry: EventEntry) => State,
): SessionFold<State> {
  const known = createRecentMap<{ readonly seq: number; readonly state: State }>(maxSessions)
  return async (sessionId, { signal, upToSeq = Number.POSITIVE_INFINITY }) => {
    const last = known.get(sessionId)
    let { seq, state } = last !== undefined && last.seq <= upToSeq ? last : { seq: 0, state: initial }
    for (;;) {
      signal.throwIfAborted()
      const entries = await readEvents(sessionId, seq)
      for (const entry of entries) {
        if (entry.seq > upToSeq) return state
        state = apply(state, entry)
        seq = entry.seq
      }
      if (entries.length > 0) continue
      known.set(sessionId, { seq, state })
      return state
    }
  }
}

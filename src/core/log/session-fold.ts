import { createRecentMap } from "../recent-cache.ts"
import { type EventEntry, isTerminal } from "./entries.ts"

/** Reads the events of a session after a sequence number, oldest first. Returns none at the end of the log. */
export type ReadEvents = (sessionId: string, afterSeq: number) => Promise<readonly EventEntry[]>

/** Resolves to the state that the log of a session leads to, now or up to a sequence number. */
export type SessionFold<State> = (
  sessionId: string,
  options: { readonly signal: AbortSignal; readonly upToSeq?: number },
) => Promise<State>

/** Maximum number of sessions whose state is kept in memory. The logs of others are read from the start again. */
const maxSessions = 1_000

/** The state after an entry of a log. */
interface Folded<State> {
  readonly seq: number
  readonly state: State
  /** If true, the open run is a call without a model. */
  readonly isCall: boolean
}

/**
 * Derives a state from the logs of sessions. Each call reads only the entries that were added since the last one. The
 * state does not depend on calls without a model, because the model does not see them (rule 20).
 */
export function createSessionFold<State>(
  readEvents: ReadEvents,
  initial: State,
  apply: (state: State, entry: EventEntry) => State,
): SessionFold<State> {
  const known = createRecentMap<Folded<State>>(maxSessions)

  function add(before: Folded<State>, entry: EventEntry): Folded<State> {
    const { event, seq, runId } = entry
    const isCall = event.type === "runStarted" ? event.call !== undefined : before.isCall
    // Session events may be logged during a run.
    const state = isCall && runId !== null ? before.state : apply(before.state, entry)
    return { seq, state, isCall: isCall && !isTerminal(event) }
  }

  return async (sessionId, { signal, upToSeq = Number.POSITIVE_INFINITY }) => {
    const last = known.get(sessionId)
    let folded = last !== undefined && last.seq <= upToSeq ? last : { seq: 0, state: initial, isCall: false }
    for (;;) {
      signal.throwIfAborted()
      const entries = await readEvents(sessionId, folded.seq)
      for (const entry of entries) {
        if (entry.seq > upToSeq) return folded.state
        folded = add(folded, entry)
      }
      if (entries.length > 0) continue
      known.set(sessionId, folded)
      return folded.state
    }
  }
}

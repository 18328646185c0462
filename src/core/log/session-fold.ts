import { createRecentMap } from "../recent-cache.ts"
import type { EventEntry } from "./entries.ts"
import { isSuperseded, type LogRange } from "./superseded.ts"

/** Reads the events of a session after a sequence number, oldest first. Returns none at the end of the log. */
export type ReadEvents = (sessionId: string, afterSeq: number) => Promise<readonly EventEntry[]>

/** Resolves to the state that the log of a session leads to, now or up to a sequence number. */
export type SessionFold<State> = (
  sessionId: string,
  options: { readonly signal: AbortSignal; readonly upToSeq?: number },
) => Promise<State>

/** Maximum number of sessions whose state is kept in memory. The logs of others are read from the start again. */
const maxSessions = 1_000

interface Known<State> {
  /** Sequence number of the last entry. */
  readonly seq: number
  /** The ranges that the state skips (rule 20, superseding). */
  readonly superseded: readonly LogRange[]
  readonly state: State
}

/**
 * Derives a state from the logs of sessions, without superseded runs. Each call reads only the entries that were added
 * since the last one, and the whole log after a run was superseded.
 */
export function createSessionFold<State>(
  readEvents: ReadEvents,
  initial: State,
  apply: (state: State, entry: EventEntry) => State,
): SessionFold<State> {
  const known = createRecentMap<Known<State>>(maxSessions)
  return async (sessionId, { signal, upToSeq = Number.POSITIVE_INFINITY }) => {
    const last = known.get(sessionId)
    let fold = last !== undefined && last.seq <= upToSeq ? last : { seq: 0, superseded: [], state: initial }
    for (;;) {
      signal.throwIfAborted()
      const entries = await readEvents(sessionId, fold.seq)
      for (const entry of entries) {
        if (entry.seq > upToSeq) return fold.state
        const { superseded, state } = fold
        const newer = findNewer(superseded, entry)
        if (newer !== null) {
          fold = { seq: 0, superseded: newer, state: initial }
          break
        }
        const next = isSuperseded(superseded, entry) ? state : apply(state, entry)
        fold = { seq: entry.seq, superseded, state: next }
      }
      if (entries.length > 0) continue
      known.set(sessionId, fold)
      return fold.state
    }
  }
}

/** Returns the ranges that the run of this entry superseded. Null if they are known. */
function findNewer(known: readonly LogRange[], { event }: EventEntry): readonly LogRange[] | null {
  if (event.type !== "runStarted" || event.superseded === undefined) return null
  const newest = (ranges: readonly LogRange[]) => ranges.at(-1)?.toSeq ?? 0
  return newest(event.superseded) > newest(known) ? event.superseded : null
}

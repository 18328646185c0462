import type { EventEntry } from "../../core/log/entries.ts"
import { createRecentMap } from "../../core/recent-cache.ts"
import { applyEntry, type LoadedSkills } from "./loaded-skills.ts"

/** Reads the events of a session after a sequence number, oldest first. Returns none at the end of the log. */
export type ReadEvents = (sessionId: string, afterSeq: number) => Promise<readonly EventEntry[]>

/** Resolves to the skills that a session has loaded, now or up to a sequence number. */
export type SessionSkills = (
  sessionId: string,
  options: { readonly signal: AbortSignal; readonly upToSeq?: number },
) => Promise<LoadedSkills>

/** Maximum number of sessions whose skills are kept in memory. Those of others are read from the log again. */
const maxSessions = 1_000

interface Known {
  readonly seq: number
  readonly loaded: LoadedSkills
}

/** Derives the loaded skills from the log. Each call reads only the entries that were added since the last one. */
export function createSessionSkills(readEvents: ReadEvents): SessionSkills {
  const known = createRecentMap<Known>(maxSessions)
  return async (sessionId, { signal, upToSeq = Number.POSITIVE_INFINITY }) => {
    const last = known.get(sessionId)
    let { seq, loaded }: Known = last !== undefined && last.seq <= upToSeq ? last : { seq: 0, loaded: [] }
    for (;;) {
      signal.throwIfAborted()
      const entries = await readEvents(sessionId, seq)
      for (const entry of entries) {
        if (entry.seq > upToSeq) return loaded
        loaded = applyEntry(loaded, entry)
        seq = entry.seq
      }
      if (entries.length > 0) continue
      known.set(sessionId, { seq, loaded })
      return loaded
    }
  }
}

import type { ListedSession } from "../core/ports/store/directory.ts"
import { createRecentMap } from "../core/recent-cache.ts"

/**
 * Resolves to the beginning of the message that started the session's first run, with secrets masked. It is empty for
 * a message without a text, and names the tool of a call without a model. Null before the first run.
 */
export type ReadFirstMessage = (sessionId: string) => Promise<string | null>

/**
 * Resolves to the titles by session. A session before its first run has none. If the signal aborts, the rest of the
 * titles are not read.
 */
export type FindTitles = (
  sessions: readonly ListedSession[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, string>>

/** Maximum characters of a title. */
const maxTitle = 80
/** Maximum titles, and sessions without a title, that are kept. */
const maxKept = 5_000

/**
 * Names sessions by the beginning of their first message. Reads each title once, because the page requests the same
 * lists repeatedly, and one after another, because a first message may have megabytes.
 */
export function createTitles(readFirstMessage: ReadFirstMessage): FindTitles {
  const titles = createRecentMap<string>(maxKept)
  const untitled = createRecentMap<true>(maxKept)

  async function findTitle(session: ListedSession): Promise<string | null> {
    const { id, lastUsedAt, storedBytes } = session
    const known = titles.get(id)
    if (known !== undefined) return known
    // The start of a run adds events to the log, so `storedBytes` changes.
    const state = JSON.stringify([id, lastUsedAt, storedBytes])
    if (untitled.get(state)) return null
    const message = await readFirstMessage(id)
    if (message === null) {
      untitled.set(state, true)
      return null
    }
    const title = shorten(message)
    titles.set(id, title)
    return title
  }

  return async (sessions, signal) => {
    const found = new Map<string, string>()
    for (const session of sessions) {
      if (signal.aborted) break
      const title = await findTitle(session)
      if (title !== null) found.set(session.id, title)
    }
    return found
  }
}

function shorten(text: string): string {
  const line = text.trim().replace(/\s+/g, " ")
  if (line === "") return "Image"
  return line.length > maxTitle ? `${line.slice(0, maxTitle - 1)}…` : line
}

import type { Run, Session } from "../../core/ports/store/session-log.ts"
import type { HistoryReads } from "../../http/limits/history-reads.ts"
import type { ListSessions } from "../../http/wire-routes.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { SnapshotFold, type SnapshotMessage } from "./snapshot-messages.ts"

export interface SnapshotParts {
  readonly sessions: Pick<Sessions, "run" | "view">
  readonly directory: Pick<ListSessions, "runs">
  readonly historyReads: HistoryReads
}

/** Maximum runs of a snapshot. */
const maxRuns = 20
/** Number of characters after which no earlier run is added to a snapshot. */
const enoughCharacters = 1_000_000

export interface SnapshotRange {
  /** The run before which the snapshot ends. Null for all ended runs. */
  readonly before: Run | null
  /** The client's ids of the messages that have results of tools, by call. Default: the client has none. */
  readonly resultIds?: ReadonlyMap<string, string>
  readonly signal: AbortSignal
}

/**
 * Resolves to the messages of the newest ended runs, oldest first. Rejects with a 429 problem if the user reads too
 * much at once.
 */
export async function readSnapshot(
  parts: SnapshotParts,
  session: Session,
  range: SnapshotRange,
): Promise<readonly SnapshotMessage[]> {
  const leave = parts.historyReads.take(session, "whole")
  try {
    return await readRuns(parts, session, range)
  } finally {
    leave()
  }
}

async function readRuns(
  { sessions, directory }: SnapshotParts,
  session: Session,
  { before, resultIds, signal }: SnapshotRange,
): Promise<readonly SnapshotMessage[]> {
  const { id: sessionId, tenant, userId } = session
  const listed = (await directory.runs({ sessionId, limit: maxRuns })).items
  const found: (readonly SnapshotMessage[])[] = []
  let characters = 0
  for (const { id: runId } of listed) {
    const run = await sessions.run(sessionId, runId)
    if (run === null || run.endSeq === null || run.cursor >= (before?.cursor ?? Number.MAX_SAFE_INTEGER))
      continue
    const fold = new SnapshotFold(resultIds)
    const principal = { tenant, userId }
    const view = sessions.view(sessionId, { afterSeq: run.cursor, runId, deltas: false, principal, signal })
    for await (const entries of view) fold.add(entries)
    signal.throwIfAborted()
    found.push(fold.messages)
    characters += fold.messages.reduce((sum, { content = "" }) => sum + content.length, 0)
    if (fold.isReplacement || characters > enoughCharacters) break
  }
  return found.reverse().flat()
}

import type { Run, Session } from "../../core/ports/store/session-log.ts"
import type { ListSessions } from "../../http/wire-routes.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { SnapshotFold, type SnapshotMessage } from "./snapshot-messages.ts"

export interface SnapshotParts {
  readonly sessions: Pick<Sessions, "run" | "view">
  readonly directory: Pick<ListSessions, "runs">
}

/** Maximum runs of a snapshot. */
const maxRuns = 20
/** Number of characters after which no earlier run is added to a snapshot. */
const enoughCharacters = 1_000_000

/** Resolves to the messages of the newest ended runs, oldest first. Default: of those before the given run. */
export async function readSnapshot(
  { sessions, directory }: SnapshotParts,
  session: Session,
  { before, signal }: { readonly before: Run | null; readonly signal: AbortSignal },
): Promise<readonly SnapshotMessage[]> {
  const { id: sessionId, tenant, userId } = session
  const listed = (await directory.runs({ sessionId, limit: maxRuns })).items
  const found: (readonly SnapshotMessage[])[] = []
  let characters = 0
  for (const { id: runId } of listed) {
    const run = await sessions.run(sessionId, runId)
    if (run === null || run.endSeq === null || run.cursor >= (before?.cursor ?? Number.MAX_SAFE_INTEGER))
      continue
    const fold = new SnapshotFold()
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

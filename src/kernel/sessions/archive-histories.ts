import type { Archive } from "../../core/ports/store/archive.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { planFold } from "./reading/plan-fold.ts"

/** Number of due sessions that one query reads. */
const sessionsAtOnce = 20

/**
 * Archives the events that no model needs any more: those before a compaction, or before a history that the client
 * replaced. Readers still see them. Stops early when the signal is aborted; the next call continues.
 */
export async function archiveHistories(
  log: SessionLog,
  archive: Archive,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const due = await archive.due(sessionsAtOnce)
    if (due.length === 0) return
    for (const each of due) {
      const { sessionId } = each
      const { fromSeq: beforeSeq } = await planFold(log, sessionId)
      let afterSeq: number | undefined
      for (;;) {
        if (signal?.aborted) return
        const last = await archive.move(sessionId, {
          beforeSeq,
          ...(afterSeq !== undefined && { afterSeq }),
        })
        if (last === null) break
        afterSeq = last
      }
      await archive.done(each)
    }
  }
}

import { isSuperseded, type LogRange } from "../../../core/log/superseded.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { isSameEvent, markOf } from "../../agent/fold-progress.ts"
import { type FoldOptions, foldPages } from "../reading/load-conversation.ts"

/**
 * Applies the events after a snapshot, without superseded runs. Resolves to false if the log does not contain the
 * newest event of the snapshot.
 */
export async function continueRestored(
  source: FoldOptions,
  conversation: Conversation,
  superseded: readonly LogRange[],
): Promise<boolean> {
  const { last } = conversation.progress
  if (last === null) return false
  let isFound = false
  const range = { fromSeq: last.seq, upToSeq: source.session.lastSeq }
  const pages = foldPages(source, range, (entry) => {
    if (entry.seq <= last.seq) isFound ||= isSameEvent(markOf(entry), last)
    else if (!isSuperseded(superseded, entry)) conversation.apply(entry)
  })
  for await (const _ of pages) if (!isFound) return false
  return isFound
}

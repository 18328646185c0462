import { Conversation } from "../agent/conversation.ts"
import type { SessionLog } from "../core/ports/session-log.ts"

const pageSize = 500

export interface LoadedConversation {
  readonly conversation: Conversation
  /** Sequence number of the last event in it; 0 for an empty log. What follows it is not in the conversation. */
  readonly lastSeq: number
}

/** Folds the session's whole log, without its deltas. */
export async function loadConversation(log: SessionLog, sessionId: string): Promise<LoadedConversation> {
  const conversation = new Conversation()
  let afterSeq = 0
  for (;;) {
    const page = await log.read(sessionId, { afterSeq, limit: pageSize, deltas: false })
    for (const entry of page) if (entry.kind === "event") conversation.apply(entry)
    const last = page.at(-1)
    afterSeq = last?.seq ?? afterSeq
    if (page.length < pageSize) return { conversation, lastSeq: afterSeq }
  }
}

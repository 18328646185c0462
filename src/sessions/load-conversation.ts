import { Conversation } from "../agent/conversation.ts"
import type { SessionLog } from "../core/ports/session-log.ts"

const pageSize = 500

/** Folds the session's whole log, without its deltas. */
export async function loadConversation(log: SessionLog, sessionId: string): Promise<Conversation> {
  const conversation = new Conversation()
  let afterSeq = 0
  for (;;) {
    const page = await log.read(sessionId, { afterSeq, limit: pageSize, deltas: false })
    for (const entry of page) if (entry.kind === "event") conversation.apply(entry)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return conversation
    afterSeq = last.seq
  }
}

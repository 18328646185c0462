import { Conversation } from "../agent/conversation.ts"
import type { SessionLog } from "../core/ports/session-log.ts"

const pageSize = 500

export interface LoadedConversation {
  readonly conversation: Conversation
  /**
   * Sequence number of the last event that its messages show; 0 for an empty log. The results of a step that is not over
   * are in no message yet, so there it is the model's answer.
   */
  readonly lastSeq: number
}

/** Folds the session's whole log, without its deltas. */
export async function loadConversation(log: SessionLog, sessionId: string): Promise<LoadedConversation> {
  const conversation = new Conversation()
  let afterSeq = 0
  let answeredAt = 0
  for (;;) {
    const page = await log.read(sessionId, { afterSeq, limit: pageSize, deltas: false })
    for (const entry of page) {
      if (entry.kind !== "event") continue
      conversation.apply(entry)
      if (entry.event.type === "messageCompleted") answeredAt = entry.seq
    }
    const last = page.at(-1)
    afterSeq = last?.seq ?? afterSeq
    if (page.length < pageSize) {
      const settling = conversation.run?.phase.type === "settling"
      return { conversation, lastSeq: settling ? answeredAt : afterSeq }
    }
  }
}

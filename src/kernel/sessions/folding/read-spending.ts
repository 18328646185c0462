import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import type { Spending } from "../../../core/usage.ts"
import { Conversation } from "../../agent/conversation.ts"
import { type FoldOptions, foldPages, foldStart } from "../reading/load-conversation.ts"
import { continueRestored } from "./continue-restored.ts"
import { decodeBody, foldVersion } from "./snapshot-form.ts"

export interface SpendingOptions extends FoldOptions {
  readonly log: SessionLog
  readonly snapshots: Snapshots
}

/**
 * Resolves to the usage and cost of all runs of a session. Reads them from its snapshot, without the messages, and
 * adds the later events. Without a usable snapshot, reads the log. Resolves to null once the reader's signal aborts.
 */
export async function readSpending(options: SpendingOptions): Promise<Spending | null> {
  const { log, session, reader } = options
  const restored = await restoreSpending(options)
  if (restored !== null || reader.signal.aborted) return restored
  const conversation = new Conversation()
  const range = { fromSeq: await foldStart(log, session.id), upToSeq: session.lastSeq }
  for await (const _ of foldPages(options, range, (entry) => conversation.apply(entry)))
    conversation.takeFinished()
  return reader.signal.aborted ? null : conversation.spent
}

async function restoreSpending(options: SpendingOptions): Promise<Spending | null> {
  const { snapshots, session, reader } = options
  const found = await snapshots.find(session.id)
  if (found === null || found.version !== foldVersion || found.seq > session.lastSeq) return null
  const body = await decodeBody(found.body)
  if (body === null || body.last.seq !== found.seq) return null
  const conversation = Conversation.restore(body.state, body.last)
  const isContinued = await continueRestored(options, conversation)
  return isContinued && !reader.signal.aborted ? conversation.spent : null
}

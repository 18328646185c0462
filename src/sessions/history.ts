import { GatewayError } from "../core/errors.ts"
import type { Wait } from "../core/ports/approvals.ts"
import type { Session, SessionLog } from "../core/ports/session-log.ts"
import { Fold, finishedMessages } from "./load-conversation.ts"
import { principalKey } from "./principal-key.ts"
import type { ReadQueue } from "./read-queue.ts"
import type { HistoryPart } from "./sessions.ts"

export interface HistoryOptions {
  readonly log: SessionLog
  readonly reads: ReadQueue
  readonly openWaits: (filter: { readonly sessionId: string }) => Promise<readonly Wait[]>
}

/** Reads a session's messages page by page, up to the newest event at the beginning, and then what is open in it. */
export async function* readHistory(
  { log, reads, openWaits }: HistoryOptions,
  sessionId: string,
  signal: AbortSignal,
): AsyncGenerator<HistoryPart> {
  const { session, fromSeq } = await newestHistory(log, sessionId)
  const fold = new Fold()
  const reader = { key: principalKey(session), signal }
  const range = { fromSeq, upToSeq: session.lastSeq }
  for await (const messages of finishedMessages({ reads, reader, session }, range, fold)) {
    yield { type: "messages", messages }
  }
  if (signal.aborted) return
  const { messages, spent } = fold.conversation
  yield { type: "messages", messages }
  const { activeRun } = session
  yield {
    type: "end",
    spent,
    openWaits: await openWaits({ sessionId }),
    activeRun,
    queuedRuns: await log.queuedRuns(sessionId),
    lastSeq: fold.lastSeq,
  }
}

/** The session as it was when, or after, its history was replaced last. */
async function newestHistory(
  log: SessionLog,
  sessionId: string,
): Promise<{ readonly session: Session; readonly fromSeq: number }> {
  for (;;) {
    const session = await log.session(sessionId)
    if (session === null)
      throw new GatewayError({ code: "session_not_found", status: 404 }, "There is no such session.")
    const fromSeq = await log.historyStart(sessionId)
    if (fromSeq <= session.lastSeq) return { session, fromSeq }
  }
}

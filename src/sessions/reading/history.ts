import { GatewayError } from "../../core/errors.ts"
import type { Wait } from "../../core/ports/approvals.ts"
import type { QueuedRun } from "../../core/ports/inbox.ts"
import type { Session, SessionLog } from "../../core/ports/session-log.ts"
import type { HistoryPart } from "../sessions.ts"
import type { ListedTask } from "../tree/list-tasks.ts"
import { Fold, finishedMessages } from "./load-conversation.ts"
import type { ReadQueue } from "./read-queue.ts"

/** Maximum reads of a queue that keeps changing. The last read is then returned. */
const maxTries = 10

export interface HistoryOptions {
  readonly log: SessionLog
  readonly reads: ReadQueue
  readonly openWaits: (filter: { readonly sessionId: string }) => Promise<readonly Wait[]>
  readonly runningTasks: (sessionId: string, signal: AbortSignal) => Promise<readonly ListedTask[]>
}

/** Reads a session's messages page by page, up to the event that is newest at the start, and then its open state. */
export async function* readHistory(
  { log, reads, openWaits, runningTasks }: HistoryOptions,
  sessionId: string,
  signal: AbortSignal,
): AsyncGenerator<HistoryPart> {
  const { session, queuedRuns, fromSeq } = await newestHistory(log, sessionId)
  const fold = new Fold()
  const reader = { principal: session, signal }
  const range = { fromSeq, upToSeq: session.lastSeq }
  for await (const messages of finishedMessages({ reads, reader, session }, range, fold)) {
    yield { type: "messages", messages, data: fold.takeData(messages) }
  }
  if (signal.aborted) return
  const { messages, spent } = fold.conversation
  yield { type: "messages", messages, data: fold.takeData(messages) }
  const { activeRun } = session
  yield {
    type: "end",
    spent,
    openWaits: await openWaits({ sessionId }),
    activeRun,
    queuedRuns,
    runningTasks: await runningTasks(sessionId, signal),
    lastSeq: fold.lastSeq,
  }
}

/**
 * Returns the session at or after the last replacement of its history, with its queued runs at that time. A run that
 * opens between the two reads would be in neither, or in both, so they are repeated until the queue is unchanged.
 */
async function newestHistory(log: SessionLog, sessionId: string): Promise<NewestHistory> {
  let queuedRuns = await log.queuedRuns(sessionId)
  for (let tries = 1; ; tries++) {
    const session = await log.session(sessionId)
    if (session === null)
      throw new GatewayError({ code: "session_not_found", status: 404 }, "There is no such session.")
    const fromSeq = await log.historyStart(sessionId)
    const queuedAfter = await log.queuedRuns(sessionId)
    const isSteady = idsOf(queuedRuns) === idsOf(queuedAfter) || tries >= maxTries
    if (isSteady && fromSeq <= session.lastSeq) return { session, queuedRuns, fromSeq }
    queuedRuns = queuedAfter
  }
}

interface NewestHistory {
  readonly session: Session
  readonly queuedRuns: readonly QueuedRun[]
  readonly fromSeq: number
}

function idsOf(runs: readonly QueuedRun[]): string {
  return runs.map(({ runId }) => runId).join()
}

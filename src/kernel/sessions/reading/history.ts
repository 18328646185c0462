import { GatewayError } from "../../../core/errors.ts"
import type { LogRange } from "../../../core/log/superseded.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { QueuedRun } from "../../../core/ports/store/inbox.ts"
import type { Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../../core/ports/store/snapshots.ts"
import type { Spending } from "../../../core/usage.ts"
import { Conversation } from "../../agent/conversation.ts"
import { continueRestored } from "../folding/continue-restored.ts"
import { isOfBranch } from "../folding/read-snapshot.ts"
import { decodeBody, foldVersion } from "../folding/snapshot-form.ts"
import type { LiveMemory } from "../live-memory.ts"
import type { HistoryPart, HistoryQuery } from "../sessions.ts"
import type { ListedTask } from "../tree/list-tasks.ts"
import { holdMemory } from "./hold-memory.ts"
import { Fold, type FoldOptions, type FoldRange, readFinishedMessages } from "./load-conversation.ts"
import { type FoldPlan, findReplacement, foldForModel, planFold, readSuperseded } from "./plan-fold.ts"
import type { ReadQueue } from "./read-queue.ts"

/** Maximum reads of a queue that keeps changing. The last read is then returned. */
const maxTries = 10
/**
 * Maximum bytes of memory that a reader counts for: those of two messages of the largest default size, one in use and
 * one that is being loaded. A reader of a longer session needs no more, because it holds none of the earlier messages.
 */
const mostBytes = 8 * 1024 * 1024

export interface HistoryOptions {
  readonly log: SessionLog
  readonly reads: ReadQueue
  readonly snapshots: Snapshots
  /** Memory of the histories of large sessions that are read at once. */
  readonly memory: LiveMemory
  readonly openWaits: (filter: { readonly sessionId: string }) => Promise<readonly Wait[]>
  readonly runningTasks: (sessionId: string, signal: AbortSignal) => Promise<readonly ListedTask[]>
}

/**
 * Yields a session's messages in pieces, up to the event that is newest at the start, and then its open state. With
 * `runs` or `turns`, yields the messages of that many: the newest ones, or those before `before`. A reader of a large
 * session first waits for its share of the memory.
 */
export async function* readHistory(
  options: HistoryOptions,
  sessionId: string,
  query: HistoryQuery,
): AsyncGenerator<HistoryPart> {
  const { log, memory } = options
  const { signal } = query
  const session = await log.session(sessionId)
  if (session === null) throw createNotFound()
  const bytes = Math.min(session.storedBytes, mostBytes)
  yield* holdMemory(readParts(options, sessionId, query), async () => {
    try {
      return await memory.take(session, bytes, signal)
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  })
}

async function* readParts(
  { log, reads, snapshots, openWaits, runningTasks }: HistoryOptions,
  sessionId: string,
  { signal, before, runs, turns }: HistoryQuery,
): AsyncGenerator<HistoryPart> {
  const newest = await readNewestHistory(log, sessionId)
  const { session, queuedRuns } = newest
  const page = await findPage(log, newest, { before, runs, turns })
  const fold = new Fold(newest.superseded)
  const source = { reads, reader: { principal: session, signal }, session }
  if (page.insideRun !== null) {
    const [started] = await log.read(sessionId, { afterSeq: page.insideRun - 1, limit: 1, deltas: false })
    if (started?.kind === "event") fold.enter(started)
  }
  yield* readFinishedMessages(source, page, fold)
  if (signal.aborted) return
  yield fold.takeLast()
  const isWhole = page.fromSeq === newest.fromSeq && page.upToSeq === session.lastSeq
  const spent = isWhole ? fold.conversation.spent : await readSpending({ ...source, log, snapshots })
  if (spent === null) return
  const { activeRun } = session
  yield {
    type: "end",
    spent,
    openWaits: await openWaits({ sessionId }),
    activeRun,
    queuedRuns,
    // Read after the session, so that no message is also among the events up to `lastSeq`.
    inboxMessages: await log.inboxMessages(sessionId),
    runningTasks: await runningTasks(sessionId, signal),
    lastSeq: fold.lastSeq,
    before: page.before,
  }
}

interface HistoryPage extends FoldRange {
  /** The event before which the next page ends. Null if this page is the last one. */
  readonly before: number | null
  /** The start of the run in which the page starts. Null if the page starts with a run or with the history. */
  readonly insideRun: number | null
}

/**
 * Finds the runs and turns of a page. A page starts with a run, with a turn of a run, or with the event that replaced
 * the history.
 */
async function findPage(
  log: SessionLog,
  { session, fromSeq }: NewestHistory,
  { before = session.lastSeq + 1, runs, turns }: Pick<HistoryQuery, "before" | "runs" | "turns">,
): Promise<HistoryPage> {
  const upToSeq = Math.min(before - 1, session.lastSeq)
  const range = { id: session.id, fromSeq, upToSeq }
  const whole = { fromSeq, upToSeq, before: null, insideRun: null }
  const ofRuns = runs === undefined ? 0 : await findBack(range, runs, (id, seq) => log.runStart(id, seq))
  const ofTurns = turns === undefined ? 0 : await findBack(range, turns, (id, seq) => log.stepStart(id, seq))
  const start = Math.max(ofRuns, ofTurns)
  if (start === 0) return whole
  const run = await log.runStart(session.id, start)
  const isInside = start > run && (await log.stepStart(session.id, start - 1)) > run
  if (isInside) return { fromSeq: start, upToSeq, before: start, insideRun: run }
  // The first turn of a run is shown with the message of the user.
  const former = await log.runStart(session.id, run - 1)
  return former > 0 && former >= fromSeq ? { fromSeq: run, upToSeq, before: run, insideRun: null } : whole
}

/** Returns the sequence number of the event that is the `count`th last one of a range. 0 if there are fewer. */
async function findBack(
  { id, fromSeq, upToSeq }: { readonly id: string; readonly fromSeq: number; readonly upToSeq: number },
  count: number,
  findLast: (sessionId: string, seq: number) => Promise<number>,
): Promise<number> {
  let start = upToSeq + 1
  for (let left = count; left > 0; left--) {
    start = await findLast(id, start - 1)
    if (start === 0 || start < fromSeq) return 0
  }
  return start
}

/**
 * Returns the session at or after the last replacement of its history, with its queued runs at that time. A run that
 * opens between the two reads would be in neither, or in both, so they are repeated until the queue is unchanged.
 */
async function readNewestHistory(log: SessionLog, sessionId: string): Promise<NewestHistory> {
  let queuedRuns = await log.queuedRuns(sessionId)
  for (let tries = 1; ; tries++) {
    const session = await log.session(sessionId)
    if (session === null) throw createNotFound()
    const superseded = await readSuperseded(log, sessionId, session.lastSeq)
    const fromSeq = await findReplacement(log, sessionId, superseded)
    const queuedAfter = await log.queuedRuns(sessionId)
    const isSteady = formatIds(queuedRuns) === formatIds(queuedAfter) || tries >= maxTries
    if (isSteady && fromSeq <= session.lastSeq) return { session, queuedRuns, fromSeq, superseded }
    queuedRuns = queuedAfter
  }
}

interface NewestHistory {
  readonly session: Session
  readonly queuedRuns: readonly QueuedRun[]
  readonly fromSeq: number
  readonly superseded: readonly LogRange[]
}

function formatIds(runs: readonly QueuedRun[]): string {
  return runs.map(({ runId }) => runId).join()
}

function createNotFound(): GatewayError {
  return new GatewayError({ code: "session_not_found", status: 404 }, "There is no such session.")
}

interface SpendingOptions extends FoldOptions {
  readonly log: SessionLog
  readonly snapshots: Snapshots
}

/**
 * Resolves to the usage and cost of all runs of a session. Reads them from its snapshot, without the messages, and
 * adds the later events. Without a usable snapshot, reads the log. Resolves to null once the reader's signal aborts.
 */
async function readSpending(options: SpendingOptions): Promise<Spending | null> {
  const { log, session, reader } = options
  const plan = await planFold(log, session.id)
  const restored = await restoreSpending(options, plan)
  if (restored !== null || reader.signal.aborted) return restored
  const conversation = new Conversation()
  for await (const _ of foldForModel(options, plan, conversation)) conversation.takeFinished()
  return reader.signal.aborted ? null : conversation.spent
}

async function restoreSpending(options: SpendingOptions, plan: FoldPlan): Promise<Spending | null> {
  const { snapshots, session, reader } = options
  const found = await snapshots.find(session.id)
  if (found === null || found.version !== foldVersion || found.seq > session.lastSeq) return null
  const body = await decodeBody(found.body)
  if (body === null || body.last.seq !== found.seq || !isOfBranch(body, plan)) return null
  const conversation = Conversation.restore(body.state, body.last)
  const isContinued = await continueRestored(options, conversation, plan.superseded)
  return isContinued && !reader.signal.aborted ? conversation.spent : null
}

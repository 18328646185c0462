import { isTerminal, type LiveEntry, type TerminalEvent } from "../../core/log/entries.ts"
import type { Hold } from "../../core/ports/run/hold.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import { noSpending } from "../../core/usage.ts"
import type { ViewOptions } from "../sessions.ts"
import type { Feed, FeedSubscription, Tail } from "./feed.ts"
import { page, type ReadQueue } from "./read-queue.ts"
import { StoreWatch } from "./store-watch.ts"

export interface ViewParts {
  readonly log: SessionLog
  readonly feed: Feed
  readonly reads: ReadQueue
  /**
   * If this hold lapses, another process may have continued the session, so the view may be outdated. It then ends
   * without a terminal entry, and its subscriber should reconnect elsewhere.
   */
  readonly hold: Hold
  /**
   * Resolves to true while a background task of the session runs, or a message with its end is on its way. Default:
   * there are none.
   */
  readonly hasTasks?: (sessionId: string, signal: AbortSignal) => Promise<boolean>
}

const noTasks = async () => false

/**
 * One viewer of a session. It reads the store to its end, then follows the feed. If the feed is incomplete (it
 * overflowed, its writer is gone, or another process writes), it returns to the store. It sees every entry once, in
 * order.
 */
export async function* viewSession(
  { log, feed, reads, hold, hasTasks = noTasks }: ViewParts,
  sessionId: string,
  options: ViewOptions,
): AsyncGenerator<readonly LiveEntry[]> {
  const { afterSeq, runId, principal, untilTasksEnd = false, throughLapse = false, deltas, signal } = options
  let cursor = afterSeq
  let ended = false
  let subscription: FeedSubscription | null = null
  let hasLapsed = false
  const onLapse = () => {
    hasLapsed = true
    subscription?.makeStale()
  }
  // Readers without a principal take turns by their session.
  const reader = { principal: principal ?? { tenant: sessionId, userId: "" }, signal }
  const take = (entries: readonly LiveEntry[]): readonly LiveEntry[] => {
    const fresh = skipTo(entries, cursor)
    cursor = fresh.at(-1)?.seq ?? cursor
    const taken = runId === undefined ? fresh : cutAtEnd(selectRun(fresh, runId), runId)
    ended = taken.some((entry) => endsRun(entry, runId) || (untilTasksEnd && isTaskEnd(entry)))
    return taken
  }

  const hasNothingLeft = async (): Promise<boolean> => {
    if (untilTasksEnd && runId === undefined && (await hasTasks(sessionId, signal))) return false
    return isOver(log, sessionId, { cursor, runId })
  }

  /**
   * Yields what is stored, and what was published but not stored when the subscription started. It is a generator of
   * its own because a generator that waits keeps the values that it had last. A page of the log takes about 100 kB, and
   * each viewer reads its own.
   */
  async function* replay({ storedThrough, takeUnstored }: Tail): AsyncGenerator<readonly LiveEntry[]> {
    // A subscriber that has all stored entries reads nothing.
    while (cursor < storedThrough) {
      const read = await reads.read(reader, sessionId, {
        ...page,
        afterSeq: cursor,
        replacedHistories: false,
        ...(deltas !== undefined && { deltas }),
      })
      if (read === null || read.length === 0 || signal.aborted || hasLapsed) break
      const entries = take(read)
      if (entries.length > 0) yield entries
      if (ended && runId !== undefined) return
    }
    for (const part of splitParts(takeUnstored())) {
      const unstored = take(part)
      if (unstored.length > 0) yield unstored
      if (ended && runId !== undefined) return
      if (part.length === partEntries) await waitForNextSlice()
    }
  }

  const elsewhere = new StoreWatch(log, sessionId)
  const forgetLapse = throughLapse ? null : hold.onLapse(onLapse)
  try {
    cursor = await findReplayCursor(log, sessionId, options)
    while (!signal.aborted && !hasLapsed) {
      subscription = feed.subscribe(sessionId, signal)
      if (feed.hasWriter(sessionId)) elsewhere.stop()
      else elsewhere.reportTo(subscription)
      try {
        yield* replay(subscription.tail)
        if (ended && runId !== undefined) return
        // If the run is written here and has not ended in the entries read, it ends in the feed.
        const goesOn = runId !== undefined && feed.hasWriter(sessionId)
        if (!goesOn && (await hasNothingLeft())) return
        for (;;) {
          const item = subscription.next()
          if (item?.type === "closed") return
          if (item?.type === "stale" || signal.aborted) break
          if (item === null) {
            await subscription.wait()
            continue
          }
          const entries = take(item.entries)
          if (entries.length > 0) yield entries
          if (!ended) continue
          if (runId !== undefined || (await hasNothingLeft())) return
        }
      } finally {
        subscription.close()
      }
    }
  } catch (error) {
    // A stopping process ends all views, and closes its store while some of them still wait to read it.
    if (!feed.isClosed) throw error
  } finally {
    elsewhere.stop()
    forgetLapse?.()
  }
}

/** Returns the cursor before the first entry to fold for a viewer at `afterSeq`. */
async function findReplayCursor(
  log: SessionLog,
  sessionId: string,
  { afterSeq, replayFrom }: Pick<ViewOptions, "afterSeq" | "replayFrom">,
): Promise<number> {
  // There is nothing to fold before the first entry.
  if (replayFrom === undefined || afterSeq === 0) return afterSeq
  const start =
    replayFrom === "step" ? await log.stepStart(sessionId, afterSeq) : await log.runStart(sessionId, afterSeq)
  return start === 0 ? afterSeq : start - 1
}

/** Maximum entries of one batch for a viewer that starts in the middle of an unstored response. */
const partEntries = 500

function* splitParts(entries: readonly LiveEntry[]): Generator<readonly LiveEntry[]> {
  for (let start = 0; start < entries.length; start += partEntries) {
    yield entries.slice(start, start + partEntries)
  }
}

/**
 * Returns true if all entries were shown and, with a run, that run has ended. Without a run, no run may be open or
 * due.
 */
async function isOver(
  log: SessionLog,
  sessionId: string,
  { cursor, runId }: { readonly cursor: number; readonly runId: string | undefined },
): Promise<boolean> {
  const session = await log.session(sessionId)
  if (session === null) return true
  if (runId === undefined) {
    return session.activeRun === null && !session.hasDueMessage && session.lastSeq <= cursor
  }
  const run = await log.run(sessionId, runId)
  if (run === null) return true
  const isEnded = run.state !== "queued" && run.state !== "open"
  return isEnded && cursor >= (run.endSeq ?? session.lastSeq)
}

/** Returns the entries of the run, and the ends of tasks. The withdrawal of a queued run is the end of that run. */
function selectRun(entries: readonly LiveEntry[], runId: string): readonly LiveEntry[] {
  // In the usual case, the batch stays the same object, by which renderings are shared.
  if (entries.every((entry) => entry.runId === runId)) return entries
  return entries.flatMap((entry): readonly LiveEntry[] => {
    if (entry.runId === runId) return [entry]
    if (isTaskEnd(entry)) return [entry]
    const isWithdrawal = entry.kind === "event" && entry.event.type === "runWithdrawn"
    return isWithdrawal && entry.event.withdrawnRunId === runId
      ? [{ ...entry, runId, event: withdrawnEnd }]
      : []
  })
}

const withdrawnEnd: TerminalEvent = {
  type: "runCompleted",
  disposition: "interrupted",
  reason: "cancelled",
  ...noSpending,
}

function skipTo(entries: readonly LiveEntry[], cursor: number): readonly LiveEntry[] {
  const first = entries[0]
  // In the usual case, the batch stays the same object, by which renderings are shared.
  return first === undefined || first.seq > cursor ? entries : entries.filter((entry) => entry.seq > cursor)
}

function cutAtEnd(entries: readonly LiveEntry[], runId: string | undefined): readonly LiveEntry[] {
  if (runId === undefined) return entries
  const end = entries.findIndex((entry) => endsRun(entry, runId))
  return end === -1 || end === entries.length - 1 ? entries : entries.slice(0, end + 1)
}

function isTaskEnd(entry: LiveEntry): boolean {
  return entry.kind === "event" && entry.event.type === "taskEnded"
}

function endsRun(entry: LiveEntry, runId: string | undefined): boolean {
  if (entry.kind !== "event") return false
  if (runId !== undefined) return isTerminal(entry.event) && entry.runId === runId
  return isTerminal(entry.event) || entry.event.type === "runWithdrawn"
}

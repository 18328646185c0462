import { type Entry, isTerminal, type TerminalEvent } from "../core/entries.ts"
import type { SessionLog } from "../core/ports/session-log.ts"
import { noSpending } from "../core/usage.ts"
import type { Feed } from "./feed.ts"
import { principalKey } from "./principal-key.ts"
import { page, type ReadQueue } from "./read-queue.ts"
import type { ViewOptions } from "./sessions.ts"
import { StoreWatch } from "./store-watch.ts"

/**
 * One viewer of a session: reads the store up to its end, then follows the feed; whenever the feed cannot tell
 * (it overflowed, its writer is gone, another process writes), back to the store. Sees every entry once, in order.
 */
export async function* viewSession(
  { log, feed, reads }: { readonly log: SessionLog; readonly feed: Feed; readonly reads: ReadQueue },
  sessionId: string,
  { afterSeq, runId, resumes = false, principal, signal }: ViewOptions,
): AsyncGenerator<readonly Entry[]> {
  // A run's own cursor lies between runs: there is no open step to fold.
  const start = runId === undefined || resumes ? await log.stepStart(sessionId, afterSeq) : 0
  let cursor = start === 0 ? afterSeq : start - 1
  let ended = false
  const reader = { key: principal === undefined ? sessionId : principalKey(principal), signal }
  const take = (entries: readonly Entry[]): readonly Entry[] => {
    const fresh = after(entries, cursor)
    cursor = fresh.at(-1)?.seq ?? cursor
    const taken = runId === undefined ? fresh : upToEnd(ofRun(fresh, runId), runId)
    ended = taken.some((entry) => endsRun(entry, runId))
    return taken
  }

  const elsewhere = new StoreWatch(log, sessionId)
  try {
    while (!signal.aborted) {
      const subscription = feed.subscribe(sessionId)
      if (feed.hasWriter(sessionId)) elsewhere.stop()
      else elsewhere.reportTo(subscription)
      try {
        for (;;) {
          const read = await reads.read(reader, sessionId, {
            ...page,
            afterSeq: cursor,
            replacedHistories: false,
          })
          if (read === null || read.length === 0 || signal.aborted) break
          const entries = take(read)
          if (entries.length > 0) yield entries
          if (ended && runId !== undefined) return
        }
        const unstored = take(subscription.unstored)
        if (unstored.length > 0) yield unstored
        // A run that is written here, and has not ended in what was read, ends in what the feed gives.
        const goesOn = runId !== undefined && feed.hasWriter(sessionId)
        if (!goesOn && (await isOver(log, sessionId, { cursor, runId }))) return
        for (;;) {
          const item = subscription.next()
          if (item?.type === "closed") return
          if (item?.type === "stale" || signal.aborted) break
          if (item === null) {
            await subscription.wait(signal)
            continue
          }
          const entries = take(item.entries)
          if (entries.length > 0) yield entries
          if (!ended) continue
          if (runId !== undefined || (await isOver(log, sessionId, { cursor, runId }))) return
        }
      } finally {
        subscription.close()
      }
    }
  } finally {
    elsewhere.stop()
  }
}

/** With a run: whether it has ended and all of it was shown. Else: whether nothing is open or due, and all was shown. */
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

/** Returns the run's own entries. The withdrawal of a queued run is the end of that run. */
function ofRun(entries: readonly Entry[], runId: string): readonly Entry[] {
  // The usual case keeps the batch's identity, by which renderings are shared.
  if (entries.every((entry) => entry.runId === runId)) return entries
  return entries.flatMap((entry): readonly Entry[] => {
    if (entry.runId === runId) return [entry]
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

function after(entries: readonly Entry[], cursor: number): readonly Entry[] {
  const first = entries[0]
  // The usual case keeps the batch's identity, by which renderings are shared.
  return first === undefined || first.seq > cursor ? entries : entries.filter((entry) => entry.seq > cursor)
}

function upToEnd(entries: readonly Entry[], runId: string | undefined): readonly Entry[] {
  if (runId === undefined) return entries
  const end = entries.findIndex((entry) => endsRun(entry, runId))
  return end === -1 || end === entries.length - 1 ? entries : entries.slice(0, end + 1)
}

function endsRun(entry: Entry, runId: string | undefined): boolean {
  if (entry.kind !== "event") return false
  if (runId !== undefined) return isTerminal(entry.event) && entry.runId === runId
  return isTerminal(entry.event) || entry.event.type === "runWithdrawn"
}

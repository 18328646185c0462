import { isTerminal, type LiveEntry, type TerminalEvent } from "../../../core/log/entries.ts"
import type { Hold } from "../../../core/ports/run/hold.ts"
import type { Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { noSpending } from "../../../core/usage.ts"
import type { ViewOptions } from "../sessions.ts"
import type { Feed, FeedSubscription } from "./feed.ts"
import { page, type ReadQueue } from "./read-queue.ts"
import type { StoreTails, TailFollower } from "./store-tails.ts"
import { type ViewEnd, viewEnds } from "./view-end.ts"

export interface ViewParts {
  readonly log: SessionLog
  readonly feed: Feed
  readonly reads: ReadQueue
  /** Read the sessions that other processes write. */
  readonly tails: StoreTails
  /** Reads a session. Many viewers may look at once whether it is over. */
  readonly session: (sessionId: string) => Promise<Session | null>
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

type Entries = readonly LiveEntry[]
type NextEntries = IteratorResult<Entries, ViewEnd>

/**
 * Shows a session to one viewer. The view reads the store to its end, then follows the feed, to which the session's
 * writer publishes, or a reader of the store if another process writes. If the feed is incomplete (it overflowed, or
 * its writer is gone), the view returns to the store. It shows every entry once, in order. The caller reads one batch
 * at a time.
 */
export function viewSession(
  parts: ViewParts,
  sessionId: string,
  options: ViewOptions,
): AsyncIterable<Entries, ViewEnd> {
  return { [Symbol.asyncIterator]: () => new SessionView(parts, sessionId, options) }
}

/**
 * A view that follows the feed suspends no function: there is a view for each idle subscriber, and each token wakes all
 * views of its session. A generator in its place would hold 2 kB more.
 */
class SessionView implements AsyncIterator<Entries, ViewEnd> {
  readonly #parts: ViewParts
  readonly #sessionId: string
  readonly #options: ViewOptions
  /** This view as a viewer of a session that another process may write. Null while this process writes it. */
  #follower: TailFollower | null = null
  #cursor: number
  #hasBegun = false
  /** Null before the view reads the store, and after its end. */
  #subscription: FeedSubscription | null = null
  /** Reads the store. Null while the view follows the feed. */
  #catchingUp: AsyncGenerator<Entries, ViewEnd | null> | null = null
  /** If true, the view follows the feed. */
  #isLive = false
  /** If true, an entry was shown that may be the last one. */
  #mayBeOver = false
  /** Null before the end of the view. */
  #ended: ViewEnd | null = null
  #hasLapsed = false
  #forgetLapse: (() => void) | null = null

  constructor(parts: ViewParts, sessionId: string, options: ViewOptions) {
    this.#parts = parts
    this.#sessionId = sessionId
    this.#options = options
    this.#cursor = options.afterSeq
  }

  next(): Promise<NextEntries> {
    const live = this.#takeLive()
    return live === null ? (this.#waitForFeed() ?? this.#advance()) : Promise.resolve(live)
  }

  /** Ends the view. While `next` reads the store, this resolves after it. */
  async return(): Promise<NextEntries> {
    await this.#catchingUp?.return(null)
    return this.#end(viewEnds.left)
  }

  /** Returns the next entries of the feed. Returns null if there are none, or if the view may be over before them. */
  #takeLive(): NextEntries | null {
    while (this.#isLive && !this.#mayBeOver && !this.#options.signal.aborted) {
      const item = this.#subscription?.next()
      if (item?.type !== "batch") return null
      const entries = this.#take(item.entries)
      if (entries.length > 0) return { done: false, value: entries }
    }
    return null
  }

  /** Resolves to the next entries of the feed. Returns null unless the feed is all that the view waits for. */
  #waitForFeed(): Promise<NextEntries> | null {
    if (!this.#isLive || this.#mayBeOver || this.#subscription?.isWaiting !== true) return null
    return this.#subscription.wait().then(() => this.#takeLive() ?? this.#advance())
  }

  async #advance(): Promise<NextEntries> {
    try {
      while (this.#ended === null) {
        const waiting = this.#waitForFeed()
        if (waiting !== null) return waiting
        const next = this.#isLive ? await this.#nextOfFeed() : await this.#nextOfStore()
        if (next !== null) return next
      }
    } catch (error) {
      // A stopping process ends all views, and closes its store while some of them still wait to read it.
      this.#end(viewEnds.shutdown)
      if (!this.#parts.feed.isClosed) throw error
    }
    return this.#end(this.#ended ?? viewEnds.left)
  }

  /** Resolves to null when the view has reached the feed, or is over. */
  async #nextOfStore(): Promise<NextEntries | null> {
    this.#catchingUp ??= this.#catchUp()
    const { done, value } = await this.#catchingUp.next()
    if (done !== true) return { done: false, value }
    this.#catchingUp = null
    this.#mayBeOver = false
    this.#isLive = value === null
    this.#ended ??= value
    return null
  }

  /** Resolves to null if the feed has nothing now, if the view must return to the store, or if it is over. */
  async #nextOfFeed(): Promise<NextEntries | null> {
    if (this.#mayBeOver) {
      this.#ended ??= this.#options.runId === undefined ? await this.#findEnd() : viewEnds.complete
      this.#mayBeOver = false
      if (this.#ended !== null) return null
    }
    const live = this.#takeLive()
    if (live !== null || this.#mayBeOver) return live
    const item = this.#subscription?.next()
    if (item?.type === "closed") this.#ended = viewEnds.shutdown
    if (item?.type === "stale" || this.#options.signal.aborted) this.#isLive = false
    return null
  }

  /**
   * Yields what is stored, and what was published but not stored when the subscription started. Returns null if
   * the view then follows the feed, and otherwise the reason for its end.
   */
  async *#catchUp(): AsyncGenerator<Entries, ViewEnd | null> {
    const { feed, reads } = this.#parts
    const { runId, principal, deltas, signal } = this.#options
    if (!this.#hasBegun) await this.#begin()
    if (this.#interruption !== null) return this.#interruption
    // Readers without a principal take turns by their session.
    const reader = { principal: principal ?? { tenant: this.#sessionId, userId: "" }, signal }
    if (!feed.hasWriter(this.#sessionId)) {
      this.#follower ??= reader
      await this.#parts.tails.join(this.#sessionId, this.#follower)
      if (this.#interruption !== null) return this.#interruption
    }
    this.#subscription?.close()
    this.#subscription = feed.subscribe(this.#sessionId, signal)
    if (feed.hasWriter(this.#sessionId)) this.#leaveStore()
    const { storedThrough, unstored } = this.#subscription.takeTail()
    // A subscriber that has all stored entries reads nothing.
    while (this.#cursor < storedThrough) {
      const read = await reads.read(reader, this.#sessionId, {
        ...page,
        afterSeq: this.#cursor,
        replacedHistories: false,
        ...(deltas !== undefined && { deltas }),
      })
      // The view ends before the gap that the unread pages would leave.
      if (this.#interruption !== null) return this.#interruption
      if (read === null || read.length === 0) break
      const entries = this.#take(read)
      if (entries.length > 0) yield entries
      if (this.#mayBeOver && runId !== undefined) return viewEnds.complete
    }
    for (const part of splitParts(unstored)) {
      if (this.#interruption !== null) return this.#interruption
      const entries = this.#take(part)
      if (entries.length > 0) yield entries
      if (this.#mayBeOver && runId !== undefined) return viewEnds.complete
      if (part.length === partEntries) await waitForNextSlice()
    }
    // If the run is written here and has not ended in the entries read, it ends in the feed.
    const goesOn = runId !== undefined && feed.hasWriter(this.#sessionId)
    return goesOn ? null : this.#findEnd()
  }

  /** The reason to end the view before everything was shown. Null if there is none. */
  get #interruption(): ViewEnd | null {
    if (this.#options.signal.aborted) return viewEnds.left
    return this.#hasLapsed ? viewEnds.lapsed : null
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true
    const { log, hold } = this.#parts
    if (this.#options.throughLapse !== true) {
      this.#forgetLapse = hold.onLapse(() => {
        this.#hasLapsed = true
        this.#subscription?.makeStale()
      })
    }
    this.#cursor = await findReplayCursor(log, this.#sessionId, this.#options)
  }

  #leaveStore(): void {
    if (this.#follower !== null) this.#parts.tails.leave(this.#sessionId, this.#follower)
    this.#follower = null
  }

  #take(entries: Entries): Entries {
    const { runId, untilTasksEnd = false } = this.#options
    const fresh = skipTo(entries, this.#cursor)
    this.#cursor = fresh.at(-1)?.seq ?? this.#cursor
    const taken = runId === undefined ? fresh : cutAtEnd(selectRun(fresh, runId), runId)
    this.#mayBeOver = taken.some((entry) => endsRun(entry, runId) || (untilTasksEnd && isTaskEnd(entry)))
    return taken
  }

  /** Resolves to null if the session has more to show, now or later. */
  async #findEnd(): Promise<ViewEnd | null> {
    const { log, session, hasTasks = noTasks } = this.#parts
    const { runId, untilTasksEnd = false, signal } = this.#options
    const sessionId = this.#sessionId
    if (untilTasksEnd && runId === undefined && (await hasTasks(sessionId, signal))) return null
    return findEnd({ log, session }, sessionId, { cursor: this.#cursor, runId })
  }

  /** May be called again. The first reason counts. */
  #end(reason: ViewEnd): NextEntries {
    this.#ended ??= reason
    this.#isLive = false
    this.#subscription?.close()
    this.#subscription = null
    this.#leaveStore()
    this.#forgetLapse?.()
    return { done: true, value: this.#ended }
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
 * Resolves to the end if all entries were shown and, with a run, that run has ended. Without a run, no run may be open
 * or due. Resolves to null otherwise.
 */
async function findEnd(
  { log, session: readSession }: Pick<ViewParts, "log" | "session">,
  sessionId: string,
  { cursor, runId }: { readonly cursor: number; readonly runId: string | undefined },
): Promise<ViewEnd | null> {
  const session = await readSession(sessionId)
  if (session === null) return viewEnds.gone
  if (runId === undefined) {
    const isOver = session.activeRun === null && !session.hasDueWork && session.lastSeq <= cursor
    return isOver ? viewEnds.complete : null
  }
  const run = await log.run(sessionId, runId)
  if (run === null) return viewEnds.gone
  const isEnded = run.state !== "queued" && run.state !== "open"
  return isEnded && cursor >= (run.endSeq ?? session.lastSeq) ? viewEnds.complete : null
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
  return first === undefined || first.seq > cursor
    ? entries
    : entries.filter((entry) => entry.seq > cursor || (entry.kind === "status" && entry.seq === cursor))
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

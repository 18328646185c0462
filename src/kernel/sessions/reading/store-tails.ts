import type { Entry } from "../../../core/log/entries.ts"
import type { Principal, SessionLog } from "../../../core/ports/store/session-log.ts"
import { sleep } from "../../../core/time/sleep.ts"
import type { Feed, FeedRelay } from "./feed.ts"
import { estimateCharacters, page, type ReadQueue } from "./read-queue.ts"

/** Milliseconds before the viewers of a session whose reader failed try to read it themselves. */
const retryMs = 1_000

/** A viewer of a session that another process may write. */
export interface TailFollower {
  readonly principal: Principal
}

interface TailParts {
  readonly log: SessionLog
  readonly feed: Feed
  readonly reads: ReadQueue
}

/**
 * Reads the sessions that other processes write, once for all viewers of this process, and publishes the entries to
 * the feed.
 */
export class StoreTails {
  readonly #parts: TailParts
  readonly #tails = new Map<string, StoreTail>()

  constructor(parts: TailParts) {
    this.#parts = parts
  }

  /**
   * Follows a session until `leave`. When this resolves, a new subscription to the feed knows up to which number it
   * must read the store, and receives all later entries. Joining again has no effect. Rejects if the store cannot be
   * read.
   */
  async join(sessionId: string, follower: TailFollower): Promise<void> {
    let tail = this.#tails.get(sessionId)
    if (tail === undefined) {
      const created: StoreTail = new StoreTail(this.#parts, sessionId, follower.principal, () =>
        this.#forget(sessionId, created),
      )
      tail = created
      this.#tails.set(sessionId, tail)
    }
    tail.followers.add(follower)
    await tail.started
  }

  leave(sessionId: string, follower: TailFollower): void {
    const tail = this.#tails.get(sessionId)
    if (tail?.followers.delete(follower) !== true || tail.followers.size > 0) return
    this.#forget(sessionId, tail)
    tail.stop()
  }

  #forget(sessionId: string, tail: StoreTail): void {
    if (this.#tails.get(sessionId) === tail) this.#tails.delete(sessionId)
  }
}

/** The reader of one session. */
class StoreTail {
  readonly followers = new Set<TailFollower>()
  /** Resolves when the cursor is known. */
  readonly started: Promise<void>
  readonly #parts: TailParts
  readonly #sessionId: string
  readonly #principal: Principal
  readonly #onEnd: () => void
  readonly #stopping = new AbortController()
  #relay: FeedRelay | null = null
  /** The number of the last published entry, at first of the session's newest entry. */
  #cursor = 0

  /** `onEnd` is called when the reader stops by itself. */
  constructor(parts: TailParts, sessionId: string, principal: Principal, onEnd: () => void) {
    this.#parts = parts
    this.#sessionId = sessionId
    this.#principal = principal
    this.#onEnd = onEnd
    this.started = this.#open()
    this.started
      .then(() => this.#follow())
      // The viewers read the session themselves, which reports a lasting failure of the store.
      .catch(() => (this.#relay === null ? undefined : sleep(retryMs, this.#stopping.signal)))
      .then(
        () => this.#end(),
        () => this.#end(),
      )
  }

  stop(): void {
    this.#stopping.abort()
    this.#relay?.close()
  }

  #end(): void {
    this.#onEnd()
    this.stop()
  }

  async #open(): Promise<void> {
    const { log, feed } = this.#parts
    const session = await log.session(this.#sessionId)
    this.#cursor = session?.lastSeq ?? 0
    if (!this.#stopping.signal.aborted) this.#relay = feed.openRelay(this.#sessionId, () => this.#cursor)
  }

  /** Publishes what other processes write, until the session has nothing more to do. */
  async #follow(): Promise<void> {
    const { log } = this.#parts
    const { signal } = this.#stopping
    for await (const _ of log.watch(this.#sessionId, { signal })) {
      let hasEvents = false
      for (let entries = await this.#readPage(); entries.length > 0; entries = await this.#readPage()) {
        hasEvents ||= entries.some(({ kind }) => kind === "event")
        if (isWhole(entries)) break
      }
      if (hasEvents && (await this.#isIdle())) return
    }
  }

  async #readPage(): Promise<readonly Entry[]> {
    const { signal } = this.#stopping
    const reader = { principal: this.#principal, signal }
    const options = { ...page, afterSeq: this.#cursor, replacedHistories: false }
    const entries = (await this.#parts.reads.read(reader, this.#sessionId, options)) ?? []
    const last = entries.at(-1)
    if (last === undefined || signal.aborted) return []
    this.#cursor = last.seq
    for (const entry of entries) this.#relay?.publish(entry)
    return entries
  }

  /** Resolves to true if the session's viewers should look whether it is over. */
  async #isIdle(): Promise<boolean> {
    const session = await this.#parts.log.session(this.#sessionId)
    if (session === null) return true
    return session.activeRun === null && !session.hasDueWork && session.lastSeq <= this.#cursor
  }
}

/**
 * Returns true if the entries cannot be a page that one of its bounds has cut. JSON has at most some times the
 * characters of its texts.
 */
function isWhole(entries: readonly Entry[]): boolean {
  return entries.length < page.limit && estimateCharacters(entries) < page.maxCharacters / 10
}

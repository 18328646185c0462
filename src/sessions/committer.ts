import { StoreUnavailableError, toError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { CommitOutcome, SessionBatch, SessionLog } from "../core/ports/session-log.ts"

/** A session with something to store. */
export interface Committable {
  /** What is to be stored next; the same batch again until `settle` was called for it. Null when there is nothing. */
  takeBatch(): SessionBatch | null
  settle(outcome: CommitOutcome): void
  /** The store cannot take the batch now; it is tried again later. */
  delayed(error: Error): void
  /** The store will never take this batch, which is not tried again. */
  rejected(error: Error): void
}

interface Member {
  readonly session: Committable
  readonly batch: SessionBatch
}

/** Deltas alone wait this long for company before they are stored. */
const deltaFlushMs = 50
const firstRetryMs = 50
const lastRetryMs = 1_000

/**
 * Stores what all sessions of the process have written, in groups (rule 4): a session with an event on the next turn of
 * the event loop, those with deltas alone after 50 ms. The deltas of others do not come along earlier: with 50 streams
 * that would hold up each event by a millisecond, and store a few deltas at a time. One group is in flight at a time;
 * what comes meanwhile is the next group.
 */
export class Committer {
  readonly #log: SessionLog
  readonly #logger: Logger
  /** With an event, and perhaps deltas before it. */
  readonly #urgent = new Set<Committable>()
  /** With deltas alone. */
  readonly #patient = new Set<Committable>()
  /** Those with deltas alone have waited long enough. */
  #due = false
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  #inFlight: Promise<void> | null = null
  #retryMs = firstRetryMs
  #closed = false

  constructor(log: SessionLog, logger: Logger) {
    this.#log = log
    this.#logger = logger
  }

  /** Stores the session's batch with the next group. */
  commitSoon(session: Committable): void {
    this.#patient.delete(session)
    this.#urgent.add(session)
    this.#schedule()
  }

  /** Stores the session's batch within 50 ms, unless an event of its own comes earlier. */
  commitLater(session: Committable): void {
    if (!this.#urgent.has(session)) this.#patient.add(session)
    this.#schedule()
  }

  /** Waits until what was handed over before is stored, or one try at it failed. */
  async flush(): Promise<void> {
    await this.#inFlight
    this.#due = true
    this.#start()
    await this.#inFlight
  }

  /** Flushes, and stores nothing any more. */
  async close(): Promise<void> {
    await this.flush()
    this.#closed = true
    clearImmediate(this.#immediate ?? undefined)
    clearTimeout(this.#timer ?? undefined)
  }

  #schedule(): void {
    if (this.#closed || this.#inFlight !== null) return
    if (this.#urgent.size > 0 || this.#due) {
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null
        this.#start()
      })
    }
    if (this.#patient.size > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null
        this.#due = true
        this.#start()
      }, deltaFlushMs)
    }
  }

  #start(): void {
    if (this.#inFlight !== null || this.#closed) return
    const sessions = this.#due ? [...this.#urgent, ...this.#patient] : [...this.#urgent]
    this.#urgent.clear()
    if (this.#due) this.#patient.clear()
    this.#due = false
    if (sessions.length === 0) return
    this.#inFlight = this.#commit(sessions).then((delayed) => {
      this.#inFlight = null
      if (delayed.length > 0) this.#tryAgain(delayed)
      else this.#retryMs = firstRetryMs
      this.#schedule()
    })
  }

  /** What the store would not take now waits apart from what it has not been asked yet. */
  #tryAgain(sessions: readonly Committable[]): void {
    if (this.#closed) return
    setTimeout(() => {
      for (const session of sessions) this.commitSoon(session)
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs)
  }

  /** Never rejects. Resolves to those that are to be tried again. */
  async #commit(sessions: readonly Committable[]): Promise<readonly Committable[]> {
    const group: Member[] = []
    for (const session of sessions) {
      const batch = session.takeBatch()
      if (batch !== null) group.push({ session, batch })
    }
    if (group.length === 0) return []
    try {
      const outcomes = await this.#log.commit(group.map(({ batch }) => batch))
      for (const [index, outcome] of outcomes.entries()) group[index]?.session.settle(outcome)
      return []
    } catch (thrown) {
      const error = toError(thrown)
      this.#logger.warn({ error, sessions: group.length }, "a commit failed")
      if (group.length === 1) return this.#failed(group, error)
      return this.#commitEach(group)
    }
  }

  /** One session that cannot be stored does not hold up the others. */
  async #commitEach(group: readonly Member[]): Promise<readonly Committable[]> {
    const delayed: Committable[] = []
    for (const member of group) {
      try {
        const [outcome] = await this.#log.commit([member.batch])
        if (outcome !== undefined) member.session.settle(outcome)
      } catch (thrown) {
        delayed.push(...this.#failed([member], toError(thrown)))
      }
    }
    return delayed
  }

  #failed(group: readonly Member[], error: Error): readonly Committable[] {
    const passes = error instanceof StoreUnavailableError
    for (const { session } of group) {
      if (passes) session.delayed(error)
      else session.rejected(error)
    }
    return passes ? group.map(({ session }) => session) : []
  }
}

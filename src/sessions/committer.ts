import { toError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { CommitOutcome, SessionBatch, SessionLog } from "../core/ports/session-log.ts"

/** A session with something to store. */
export interface Committable {
  /** What is to be stored next; the same batch again until `settle` was called for it. Null when there is nothing. */
  takeBatch(): SessionBatch | null
  settle(outcome: CommitOutcome): void
  /** The store refused the batch; it is tried again later. */
  delayed(error: Error): void
}

/** Deltas alone wait this long for company before they are stored. */
const deltaFlushMs = 50
const firstRetryMs = 50
const lastRetryMs = 1_000

/**
 * Stores what all sessions of the process have written, in groups (rule 4): events on the next turn of the event
 * loop, deltas with them or after 50 ms. One group is in flight at a time; what comes meanwhile is the next group.
 */
export class Committer {
  readonly #log: SessionLog
  readonly #logger: Logger
  #waiting = new Set<Committable>()
  /** Whether an event waits, rather than deltas alone. */
  #urgent = false
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  #inFlight: Promise<void> | null = null
  #retryMs = firstRetryMs

  constructor(log: SessionLog, logger: Logger) {
    this.#log = log
    this.#logger = logger
  }

  /** Stores the session's batch with the next group. */
  commitSoon(session: Committable): void {
    this.#waiting.add(session)
    this.#urgent = true
    if (this.#inFlight === null) this.#schedule()
  }

  /** Stores the session's batch within 50 ms, unless a group comes earlier. */
  commitLater(session: Committable): void {
    this.#waiting.add(session)
    if (this.#inFlight === null) this.#schedule()
  }

  /** Waits until what was handed over before is stored, or one try at it failed. */
  async flush(): Promise<void> {
    await this.#inFlight
    if (this.#waiting.size > 0) this.#start()
    await this.#inFlight
  }

  #schedule(): void {
    if (this.#urgent) this.#immediate ??= setImmediate(() => this.#start())
    else this.#timer ??= setTimeout(() => this.#start(), deltaFlushMs)
  }

  #start(): void {
    clearImmediate(this.#immediate ?? undefined)
    clearTimeout(this.#timer ?? undefined)
    this.#immediate = null
    this.#timer = null
    if (this.#inFlight !== null) return
    const sessions = this.#waiting
    this.#waiting = new Set()
    this.#urgent = false
    this.#inFlight = this.#commit([...sessions]).then((ok) => {
      this.#inFlight = null
      this.#retryMs = ok ? firstRetryMs : Math.min(this.#retryMs * 2, lastRetryMs)
      if (this.#waiting.size === 0) return
      if (ok) this.#schedule()
      else this.#timer = setTimeout(() => this.#start(), this.#retryMs)
    })
  }

  /** Never rejects. Resolves to whether everything was stored. */
  async #commit(sessions: readonly Committable[]): Promise<boolean> {
    const group: { readonly session: Committable; readonly batch: SessionBatch }[] = []
    for (const session of sessions) {
      const batch = session.takeBatch()
      if (batch !== null) group.push({ session, batch })
    }
    if (group.length === 0) return true
    try {
      const outcomes = await this.#log.commit(group.map(({ batch }) => batch))
      for (const [index, outcome] of outcomes.entries()) group[index]?.session.settle(outcome)
      return true
    } catch (thrown) {
      const error = toError(thrown)
      this.#logger.warn({ error, sessions: group.length }, "a commit failed; it is tried session by session")
      if (group.length === 1) return this.#delay(group, error)
      return this.#commitEach(group)
    }
  }

  /** One session that cannot be stored does not hold up the others. */
  async #commitEach(
    group: readonly { readonly session: Committable; readonly batch: SessionBatch }[],
  ): Promise<boolean> {
    let ok = true
    for (const member of group) {
      try {
        const [outcome] = await this.#log.commit([member.batch])
        if (outcome !== undefined) member.session.settle(outcome)
      } catch (thrown) {
        ok = this.#delay([member], toError(thrown))
      }
    }
    return ok
  }

  #delay(group: readonly { readonly session: Committable }[], error: Error): false {
    for (const { session } of group) {
      this.#waiting.add(session)
      session.delayed(error)
    }
    return false
  }
}

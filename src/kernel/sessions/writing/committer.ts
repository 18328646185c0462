import { StoreUnavailableError, toError } from "../../../core/errors.ts"
import { isLargeJson } from "../../../core/json/json-pieces.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { CommitOutcome, SessionBatch, SessionLog } from "../../../core/ports/store/session-log.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"

/** A session with entries to store. */
export interface Committable {
  /**
   * Returns the next batch to store. Returns the same batch again until `settle` was called for it. Null if there is
   * nothing to store.
   */
  takeBatch(): SessionBatch | null
  settle(outcome: Exclude<CommitOutcome, "busy">): void
  /** Called if the store cannot accept the batch now. The batch is retried later. */
  delayed(error: Error): void
  /** Called if the store will never accept this batch. It is not retried. */
  rejected(error: Error): void
}

interface Member {
  readonly session: Committable
  readonly batch: SessionBatch
}

/** Milliseconds that deltas without an event wait for further entries before they are stored. */
const deltaFlushMs = 50
const failureBackoff = { firstMs: 50, maxMs: 1_000 }
/** For a session whose row another transaction has locked. */
const busyBackoff = { firstMs: 5, maxMs: 1_000 }
const maxGroup = 200
const maxGroups = 4

/**
 * Stores the entries of all sessions of the process, in groups (rule 4). A session with an event is stored on the
 * next turn of the event loop, and a session with only deltas after 50 ms. Deltas are not stored earlier with the
 * events of others: with 50 streams this would delay each event by a millisecond, and store only a few deltas at a
 * time.
 *
 * Several groups are in flight at a time, so that a slow group does not delay the others. A session is in at most one
 * of them, which keeps its batches in order.
 */
export class Committer {
  readonly #log: SessionLog
  readonly #logger: Logger
  readonly #observers: Partial<Observer>
  /** Sessions with an event, and possibly deltas before it. */
  readonly #urgent = new Set<Committable>()
  /** Sessions with only deltas. */
  readonly #patient = new Set<Committable>()
  /** Sessions to store alone, because their rows were locked. */
  readonly #alone = new Set<Committable>()
  /** Sessions in a group in flight, or waiting to be retried alone. */
  readonly #taken = new Set<Committable>()
  /** Number of times in a row that a session's row was locked. */
  readonly #busy = new Map<Committable, number>()
  readonly #inFlight = new Set<Promise<void>>()
  /**
   * Large batches in flight. They are not part of the groups, because serializing them takes many turns of the event
   * loop.
   */
  readonly #apart = new Set<Promise<void>>()
  /** If true, sessions with only deltas have waited long enough. */
  #due = false
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  /** Number of failures in a row. */
  #failures = 0
  #closed = false

  constructor(log: SessionLog, logger: Logger, observers: Partial<Observer>) {
    this.#log = log
    this.#logger = logger
    this.#observers = observers
  }

  /** Stores the session's batch with the next group. */
  commitSoon(session: Committable): void {
    this.#patient.delete(session)
    this.#urgent.add(session)
    this.#schedule()
  }

  /** Stores the session's batch within 50 ms, or earlier with its next event. */
  commitLater(session: Committable): void {
    if (!this.#urgent.has(session)) this.#patient.add(session)
    this.#schedule()
  }

  /** Waits until all earlier entries are stored, or one attempt to store them has failed. */
  async flush(): Promise<void> {
    await this.#settled()
    const waiting = new Set([...this.#alone, ...this.#urgent, ...this.#patient])
    let goesOn = true
    while (goesOn) {
      this.#due = true
      const started = this.#start()
      for (const session of this.#taken) waiting.delete(session)
      goesOn = started && waiting.size > 0
      await this.#settled()
    }
  }

  /** Flushes, and stores nothing afterwards. */
  async close(): Promise<void> {
    await this.flush()
    this.#closed = true
    clearImmediate(this.#immediate ?? undefined)
    clearTimeout(this.#timer ?? undefined)
  }

  async #settled(): Promise<void> {
    await Promise.all([...this.#inFlight, ...this.#apart])
  }

  #schedule(): void {
    if (this.#closed) return
    if (this.#inFlight.size < maxGroups && this.#hasWork()) {
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

  #hasWork(): boolean {
    return (
      this.#alone.size > 0 || hasOther(this.#urgent, this.#taken) || (this.#due && this.#patient.size > 0)
    )
  }

  /** Returns true if a group was sent. */
  #start(): boolean {
    let started = false
    while (!this.#closed && this.#inFlight.size < maxGroups) {
      const sessions = this.#nextGroup()
      if (sessions.length === 0) break
      started = true
      for (const session of sessions) this.#taken.add(session)
      const committing = this.#commit(sessions).then((delayed) => {
        this.#inFlight.delete(committing)
        if (delayed.length > 0) this.#tryAgain(delayed)
        else this.#failures = 0
        this.#schedule()
      })
      this.#inFlight.add(committing)
    }
    return started
  }

  /** Takes up to 200 sessions that are in no other group. A session whose row was locked is a group of its own. */
  #nextGroup(): readonly Committable[] {
    for (const session of this.#alone) {
      this.#alone.delete(session)
      return [session]
    }
    const group: Committable[] = []
    for (const waiting of this.#due ? [this.#urgent, this.#patient] : [this.#urgent]) {
      for (const session of waiting) {
        if (group.length === maxGroup) return group
        if (this.#taken.has(session)) continue
        waiting.delete(session)
        group.push(session)
      }
    }
    this.#due = false
    return group
  }

  /** Moves batches that the store could not accept to the retries, separate from new ones. */
  #tryAgain(sessions: readonly Committable[]): void {
    if (this.#closed) return
    setTimeout(
      () => {
        for (const session of sessions) this.commitSoon(session)
      },
      computeBackoff(this.#failures++, failureBackoff),
    ).unref()
  }

  /** Never rejects. Resolves to the sessions to retry. */
  async #commit(sessions: readonly Committable[]): Promise<readonly Committable[]> {
    const group: Member[] = []
    for (const session of sessions) {
      const batch = session.takeBatch()
      if (batch === null) this.#leave(session)
      else if (isLarge(batch)) this.#commitApart({ session, batch })
      else group.push({ session, batch })
    }
    return group.length === 0 ? [] : this.#store(group)
  }

  #commitApart(member: Member): void {
    const storing = this.#store([member]).then((delayed) => {
      this.#apart.delete(storing)
      if (delayed.length > 0) this.#tryAgain(delayed)
      this.#schedule()
    })
    this.#apart.add(storing)
  }

  /** Never rejects. Resolves to the sessions to retry. */
  async #store(group: readonly Member[]): Promise<readonly Committable[]> {
    try {
      const outcomes = await this.#send(group)
      for (const [index, outcome] of outcomes.entries()) this.#settle(group[index], outcome)
      return []
    } catch (thrown) {
      const error = toError(thrown)
      this.#logger.warn({ error, sessions: group.length }, "a commit failed")
      if (group.length === 1) return this.#failed(group, error)
      return this.#commitEach(group)
    }
  }

  /** Stores each session alone, so that one session that cannot be stored does not delay the others. */
  async #commitEach(group: readonly Member[]): Promise<readonly Committable[]> {
    const delayed: Committable[] = []
    for (const member of group) {
      try {
        const [outcome] = await this.#send([member])
        this.#settle(member, outcome)
      } catch (thrown) {
        delayed.push(...this.#failed([member], toError(thrown)))
      }
    }
    return delayed
  }

  async #send(group: readonly Member[]): Promise<readonly CommitOutcome[]> {
    const { onCommit } = this.#observers
    const batches = group.map(({ batch }) => batch)
    if (onCommit === undefined) return this.#log.commit(batches)
    const startedAt = performance.now()
    const sessions = batches.length
    const rows = batches.reduce((sum, { entries }) => sum + entries.length, 0)
    const report = (ok: boolean) =>
      onCommit({ sessions, rows, durationMs: performance.now() - startedAt, ok })
    try {
      const outcomes = await this.#log.commit(batches)
      report(true)
      return outcomes
    } catch (error) {
      report(false)
      throw error
    }
  }

  #settle(member: Member | undefined, outcome: CommitOutcome | undefined): void {
    if (member === undefined || outcome === undefined) return
    const { session } = member
    if (outcome === "busy") this.#waitForRow(session)
    else {
      this.#leave(session)
      session.settle(outcome)
    }
  }

  /** Keeps the session taken until its row is free, so that no other group gets its batch. */
  #waitForRow(session: Committable): void {
    const times = this.#busy.get(session) ?? 0
    this.#busy.set(session, times + 1)
    session.delayed(
      new StoreUnavailableError({ detail: "Another transaction has locked the session's row." }),
    )
    setTimeout(
      () => {
        this.#alone.add(session)
        this.#schedule()
      },
      computeBackoff(times, busyBackoff),
    ).unref()
  }

  #leave(session: Committable): void {
    this.#taken.delete(session)
    this.#busy.delete(session)
  }

  #failed(group: readonly Member[], error: Error): readonly Committable[] {
    const passes = error instanceof StoreUnavailableError
    for (const { session } of group) {
      this.#leave(session)
      if (passes) session.delayed(error)
      else session.rejected(error)
    }
    return passes ? group.map(({ session }) => session) : []
  }
}

function isLarge({ entries }: SessionBatch): boolean {
  return entries.some((entry) => entry.kind === "event" && isLargeJson(entry.event))
}

function hasOther<T>(all: ReadonlySet<T>, taken: ReadonlySet<T>): boolean {
  for (const each of all) if (!taken.has(each)) return true
  return false
}

import type { Clock } from "../core/clock.ts"
import {
  type Delta,
  type Entry,
  type Event,
  type EventEntry,
  isTerminal,
  logVersion,
} from "../core/entries.ts"
import { LeaseLostError, RunCancelledError, StoreUnavailableError } from "../core/errors.ts"
import type { Journal } from "../core/ports/journal.ts"
import type { CommitOutcome, Lease, SessionBatch } from "../core/ports/session-log.ts"
import { firstSequence } from "../core/sequence.ts"
import type { Committable, Committer } from "./committer.ts"

/** Entries one session may hold unstored while the store is down; past it the attempt stops, to resume later. */
const maxUnstored = 10_000

export interface WriterOptions {
  readonly lease: Lease
  readonly clock: Clock
  readonly committer: Committer
  /** Called with each entry in order of its sequence number, once it may be seen (rule 5). */
  readonly publish: (entry: Entry) => void
  /** Called once, when nothing more can be written: lease lost, store down for too long. */
  readonly onStopped: (reason: Error) => void
}

interface Append {
  readonly entries: readonly EventEntry[]
  readonly resolve: (entries: readonly EventEntry[]) => void
  readonly reject: (reason: Error) => void
}

/** The one writer of a claimed session: numbers entries, has them stored, and publishes them in order. */
export class SessionWriter implements Journal, Committable {
  readonly #options: WriterOptions
  #next: number
  #runId = ""
  /** Numbered and not in the store yet, in order. */
  #unstored: Entry[] = []
  #inFlight: SessionBatch | null = null
  /** Not shown yet, because an event at or before them is not stored yet. */
  #unpublished: Entry[] = []
  #appends: Append[] = []
  #consumed: number[] = []
  #stopped: Error | null = null

  constructor(options: WriterOptions) {
    this.#options = options
    this.#next = firstSequence(options.lease.epoch)
  }

  /** The run that what follows belongs to. */
  set runId(runId: string) {
    this.#runId = runId
  }

  /** Entries that viewers have been given and a reader of the store would not see yet. */
  publishedUnstored(): readonly Entry[] {
    const first = this.#unpublished[0]
    const all = [...(this.#inFlight?.entries ?? []), ...this.#unstored]
    return first === undefined ? all : all.filter((entry) => entry.seq < first.seq)
  }

  /** The next commit takes these commands out of the inbox. */
  consume(commandId: number): void {
    this.#consumed.push(commandId)
  }

  emit(delta: Delta): number {
    if (this.#stopped !== null) throw this.#stopped
    const entry: Entry = { kind: "delta", seq: this.#next++, runId: this.#runId, delta }
    this.#unstored.push(entry)
    if (this.#unpublished.length === 0) this.#options.publish(entry)
    else this.#unpublished.push(entry)
    this.#options.committer.commitLater(this)
    return entry.seq
  }

  append(events: readonly Event[]): Promise<readonly EventEntry[]> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    const at = this.#options.clock.now()
    const entries = events.map((event): EventEntry => {
      return { kind: "event", seq: this.#next++, v: logVersion, at, runId: this.#runId, event }
    })
    this.#unstored.push(...entries)
    this.#unpublished.push(...entries)
    this.#options.committer.commitSoon(this)
    return new Promise((resolve, reject) => {
      this.#appends.push({ entries, resolve, reject })
    })
  }

  takeBatch(): SessionBatch | null {
    if (this.#stopped !== null) return null
    if (this.#inFlight !== null) return this.#inFlight
    if (this.#unstored.length === 0) return null
    this.#inFlight = batchOf(this.#options.lease, this.#unstored, this.#consumed)
    this.#unstored = []
    this.#consumed = []
    return this.#inFlight
  }

  settle(outcome: CommitOutcome): void {
    const batch = this.#inFlight
    if (batch === null) return
    this.#inFlight = null
    switch (outcome) {
      case "ok":
        this.#stored(batch)
        break
      case "cancelled":
        this.#refused(batch)
        break
      case "fenced":
        this.stop(new LeaseLostError(this.#options.lease.sessionId))
        break
      default:
        outcome satisfies never
    }
  }

  delayed(error: Error): void {
    const unstored = (this.#inFlight?.entries.length ?? 0) + this.#unstored.length
    if (unstored > maxUnstored) this.stop(new StoreUnavailableError({ cause: error }))
  }

  /** Nothing is written any more; what is not stored yet will not be. */
  stop(reason: Error): void {
    if (this.#stopped !== null) return
    this.#stopped = reason
    const appends = this.#appends
    this.#appends = []
    for (const { reject } of appends) reject(reason)
    this.#options.onStopped(reason)
  }

  #stored(batch: SessionBatch): void {
    const through = batch.entries.at(-1)?.seq ?? 0
    const blocked = this.#unpublished.findIndex((entry) => entry.kind === "event" && entry.seq > through)
    const free = this.#unpublished.splice(0, blocked === -1 ? this.#unpublished.length : blocked)
    for (const entry of free) this.#options.publish(entry)
    const done = this.#appends.findIndex(({ entries }) => (entries.at(-1)?.seq ?? 0) > through)
    for (const { resolve, entries } of this.#appends.splice(0, done === -1 ? this.#appends.length : done))
      resolve(entries)
    if (this.#unstored.length > 0) this.#options.committer.commitSoon(this)
  }

  /** A cancel was acknowledged first: the terminal event never happened, the rest of its batch did. */
  #refused(batch: SessionBatch): void {
    const isEnd = (entry: Entry) => entry.kind === "event" && isTerminal(entry.event)
    this.#unstored = [...batch.entries.filter((entry) => !isEnd(entry)), ...this.#unstored]
    this.#consumed = [...(batch.commandsConsumed ?? []), ...this.#consumed]
    this.#unpublished = this.#unpublished.filter((entry) => !isEnd(entry))
    const ending = this.#appends.filter(({ entries }) => entries.some(isEnd))
    this.#appends = this.#appends.filter((append) => !ending.includes(append))
    for (const { reject } of ending) reject(new RunCancelledError(this.#runId))
    if (this.#unstored.length > 0) this.#options.committer.commitSoon(this)
  }
}

function batchOf(lease: Lease, entries: readonly Entry[], commandsConsumed: readonly number[]): SessionBatch {
  let progress = false
  let runEnded: SessionBatch["runEnded"]
  for (const entry of entries) {
    if (entry.kind !== "event") continue
    const { event, runId } = entry
    if (
      event.type === "messageCompleted" ||
      event.type === "toolCallCompleted" ||
      event.type === "toolCallInterrupted"
    )
      progress = true
    if (event.type === "runCompleted") runEnded = { runId, state: event.disposition }
    if (event.type === "runFailed") runEnded = { runId, state: "failed" }
  }
  return { lease, entries, commandsConsumed, progress, ...(runEnded === undefined ? {} : { runEnded }) }
}

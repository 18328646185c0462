import {
  GatewayError,
  LeaseLostError,
  RunCancelledError,
  RunSteeredError,
  RunWithdrawnError,
  StoreUnavailableError,
  WaitAnsweredError,
} from "../../core/errors.ts"
import { jsonSize } from "../../core/json/json-size.ts"
import { versionOf } from "../../core/log/downcast.ts"
import {
  type AppData,
  type Delta,
  type Entry,
  type Event,
  type EventEntry,
  isTerminal,
  type LiveEntry,
  logVersion,
} from "../../core/log/entries.ts"
import { firstSequence } from "../../core/log/sequence.ts"
import type { Journal, JournalEffects } from "../../core/ports/journal.ts"
import type { OutboxItem } from "../../core/ports/outbox.ts"
import type { CommitOutcome, Lease, Session, SessionBatch } from "../../core/ports/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import { batchOf } from "./batch.ts"
import type { Committable, Committer } from "./committer.ts"

/** Entries one session may hold unstored while the store is down; past it the attempt stops, to resume later. */
const maxUnstored = 10_000
/** Deltas of so many characters do not wait for company. */
const urgentCharacters = 250_000
/** Transient entries of so many characters may wait for events before them to be stored. */
const maxHeldCharacters = 1_000_000
/** A dispatcher holds several items at once. */
const maxItemBytes = 1_000_000

export interface WriterOptions {
  readonly lease: Lease
  readonly clock: Clock
  readonly committer: Committer
  /** Returns the newest log version that all live processes read (rule 14, versions). */
  readonly writableVersion: () => number
  /** Called with each entry in order of its sequence number, once it may be seen (rule 5). */
  readonly publish: (entry: LiveEntry) => void
  /** Called after each commit. Those who wait for its events learn of it soon after. */
  readonly onStored?: () => void
  /** Called once, when nothing more can be written: lease lost, store down for too long. */
  readonly onStopped: (reason: Error) => void
}

/** Events that are stored, or refused, together with their effects. */
interface Append {
  readonly entries: readonly EventEntry[]
  readonly effects: JournalEffects
  readonly resolve: (entries: readonly EventEntry[]) => void
  readonly reject: (reason: Error) => void
}

/** The one writer of a claimed session: numbers entries, has them stored, and publishes them in order. */
export class SessionWriter implements Journal, Committable {
  readonly #options: WriterOptions
  #next: number
  #runId = ""
  /** Numbered and in no batch yet, in order; `#appends` has the events among them once more. */
  #unstored: Entry[] = []
  #appends: Append[] = []
  /** In the deltas among them. */
  #unstoredCharacters = 0
  #inFlight: { readonly batch: SessionBatch; readonly appends: readonly Append[] } | null = null
  /** Not shown yet, because an event at or before them is not stored yet. */
  #unpublished: LiveEntry[] = []
  /** In the transient entries among them. */
  #heldCharacters = 0
  #stopped: Error | null = null
  /** Stored bytes of the session, about: those it had at the beginning, and what was written since. */
  #storedBytes = 0
  #maxBytes = Number.POSITIVE_INFINITY
  /** Sequence number of the newest entry that was stored before the writer's first. */
  #lastSeq = 0
  #storedThrough = Number.POSITIVE_INFINITY
  #storedEvents = 0
  #isVerbatim = true

  constructor(options: WriterOptions) {
    this.#options = options
    this.#next = firstSequence(options.lease.epoch)
  }

  get version(): number {
    return this.#options.writableVersion()
  }

  /** The run that what follows belongs to. */
  set runId(runId: string) {
    this.#runId = runId
  }

  /**
   * Sets what the session stores when the writer begins. Past `maxBytes` a run begins no further step, and saves no
   * further state of its runner; its end is still stored.
   */
  continueAfter(
    { storedBytes, lastSeq }: Pick<Session, "storedBytes" | "lastSeq">,
    { maxBytes }: { readonly maxBytes: number },
  ): void {
    this.#storedBytes = storedBytes
    this.#lastSeq = lastSeq
    this.#storedThrough = lastSeq
    this.#maxBytes = maxBytes
  }

  /** The store has every entry up to this number; infinite until that is known. */
  get storedThrough(): number {
    return this.#storedThrough
  }

  /** Events that the writer has stored, but for withdrawals, which change no conversation. */
  get storedEvents(): number {
    return this.#storedEvents
  }

  /** If true, all events were stored in the form that they have here, and not in one for older processes. */
  get isVerbatim(): boolean {
    return this.#isVerbatim
  }

  /** Entries that viewers have been given and a reader of the store would not see yet. */
  publishedUnstored(): readonly Entry[] {
    const first = this.#unpublished[0]
    const all = [...(this.#inFlight?.batch.entries ?? []), ...this.#unstored]
    return first === undefined ? all : all.filter((entry) => entry.seq < first.seq)
  }

  emit(delta: Delta): number {
    if (this.#stopped !== null) throw this.#stopped
    const entry: Entry = { kind: "delta", seq: this.#next++, runId: this.#runId, delta }
    this.#unstored.push(entry)
    this.#unstoredCharacters += delta.text.length
    if (this.#unpublished.length === 0) this.#options.publish(entry)
    else this.#unpublished.push(entry)
    // While a batch is in flight, perhaps tried again and again, what comes after it has time.
    const isUrgent = this.#inFlight === null && this.#unstoredCharacters >= urgentCharacters
    if (isUrgent) this.#options.committer.commitSoon(this)
    else this.#options.committer.commitLater(this)
    return entry.seq
  }

  show(data: AppData): void {
    if (this.#stopped !== null) throw this.#stopped
    const entry: LiveEntry = { kind: "transient", seq: this.#next++, runId: this.#runId, data }
    if (this.#unpublished.length === 0) {
      this.#options.publish(entry)
      return
    }
    const characters = this.#heldCharacters + jsonSize(data)
    if (characters > maxHeldCharacters) return
    this.#heldCharacters = characters
    this.#unpublished.push(entry)
  }

  append(events: readonly Event[], effects: JournalEffects = {}): Promise<readonly EventEntry[]> {
    return this.#append(this.#runId, events, effects)
  }

  /** Like `append`, for facts about the session that belong to no run. */
  appendFacts(events: readonly Event[], effects: JournalEffects): Promise<readonly EventEntry[]> {
    return this.#append(null, events, effects)
  }

  #append(
    runId: string | null,
    events: readonly Event[],
    effects: JournalEffects,
  ): Promise<readonly EventEntry[]> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    if (this.#storedBytes > this.#maxBytes && startMore(events))
      return Promise.reject(tooLarge(this.#maxBytes))
    const large = effects.outbox?.find(({ payload }) => jsonSize(payload) > maxItemBytes)
    if (large !== undefined) return Promise.reject(itemTooLarge(large))
    const at = this.#options.clock.now()
    const entries = events.map((event): EventEntry => {
      return { kind: "event", seq: this.#next++, v: versionOf(event), at, runId, event }
    })
    for (const event of events) this.#storedBytes += jsonSize(event)
    this.#unstored.push(...entries)
    this.#unpublished.push(...entries)
    this.#options.committer.commitSoon(this)
    return new Promise((resolve, reject) => {
      this.#appends.push({ entries, effects, resolve, reject })
    })
  }

  takeBatch(): SessionBatch | null {
    if (this.#stopped !== null) return null
    if (this.#inFlight !== null) return this.#inFlight.batch
    if (this.#unstored.length === 0) return null
    const appends = this.#appends
    const effects = appends.map((append) => append.effects)
    const { version } = this
    if (version < logVersion) this.#isVerbatim = false
    this.#inFlight = {
      batch: batchOf(this.#options.lease, this.#unstored, {
        effects,
        version,
        before: this.#seqBefore(this.#unstored),
      }),
      appends,
    }
    this.#unstored = []
    this.#unstoredCharacters = 0
    this.#appends = []
    return this.#inFlight.batch
  }

  settle(outcome: Exclude<CommitOutcome, "busy">): void {
    const sent = this.#inFlight
    if (sent === null) return
    switch (outcome) {
      case "ok":
        this.#inFlight = null
        this.#storedThrough = sent.batch.entries.at(-1)?.seq ?? this.#storedThrough
        this.#publish(sent.batch.entries.at(-1)?.seq ?? 0)
        for (const { resolve, entries } of sent.appends) {
          this.#storedEvents += entries.filter(({ event }) => event.type !== "runWithdrawn").length
          resolve(entries)
        }
        this.#options.onStored?.()
        break
      case "cancelled":
        // A cancel was acknowledged first: the run did not end, the rest of the batch did happen.
        this.#refuse(
          ({ entries }) => entries.some(({ event }) => isTerminal(event)),
          new RunCancelledError(this.#runId),
        )
        break
      case "steered":
        this.#refuse(
          ({ entries }) => entries.some(({ event }) => isTerminal(event)),
          new RunSteeredError(this.#runId),
        )
        break
      case "withdrawn":
        this.#refuse(
          ({ entries }) => entries.some(({ event }) => event.type === "runStarted"),
          new RunWithdrawnError(this.#runId),
        )
        break
      case "answered":
        this.#refuse(({ effects }) => effects.expire !== undefined, new WaitAnsweredError())
        break
      case "fenced":
        this.stop(new LeaseLostError(this.#options.lease.sessionId))
        break
      default:
        outcome satisfies never
    }
    this.#storeRest()
  }

  delayed(error: Error): void {
    const unstored = (this.#inFlight?.batch.entries.length ?? 0) + this.#unstored.length
    if (unstored > maxUnstored) this.stop(new StoreUnavailableError({ cause: error }))
  }

  rejected(error: Error): void {
    const sent = this.#inFlight
    if (sent === null) return
    this.#inFlight = null
    const never = new Set<LiveEntry>(sent.batch.entries)
    this.#unpublished = this.#unpublished.filter((entry) => !never.has(entry))
    for (const { reject } of sent.appends) reject(error)
    this.#publish(0)
    this.#storeRest()
  }

  /** Ends the writer: it writes nothing more, and what is not stored yet will not be. */
  stop(reason: Error): void {
    if (this.#stopped !== null) return
    this.#stopped = reason
    for (const { reject } of [...(this.#inFlight?.appends ?? []), ...this.#appends]) reject(reason)
    this.#inFlight = null
    this.#appends = []
    this.#unstored = []
    this.#options.onStopped(reason)
  }

  /** Sequence number of the session's newest entry before these. */
  #seqBefore([first]: readonly Entry[]): number {
    if (first === undefined || first.seq === firstSequence(this.#options.lease.epoch)) return this.#lastSeq
    return first.seq - 1
  }

  /**
   * Schedules entries that were written while a batch was in flight, and may have been passed over when that was
   * tried again.
   */
  #storeRest(): void {
    if (this.#unstored.length === 0) return
    const isUrgent = this.#appends.length > 0 || this.#unstoredCharacters >= urgentCharacters
    if (isUrgent) this.#options.committer.commitSoon(this)
    else this.#options.committer.commitLater(this)
  }

  #publish(storedThrough: number): void {
    const blocked = this.#unpublished.findIndex(
      (entry) => entry.kind === "event" && entry.seq > storedThrough,
    )
    const free = this.#unpublished.splice(0, blocked === -1 ? this.#unpublished.length : blocked)
    for (const entry of free) {
      if (entry.kind === "transient") this.#heldCharacters -= jsonSize(entry.data)
      this.#options.publish(entry)
    }
  }

  /** Takes back what these appends wanted; everything else of the batch is stored with the next one. */
  #refuse(isRefused: (append: Append) => boolean, reason: Error): void {
    const sent = this.#inFlight
    if (sent === null) return
    this.#inFlight = null
    const refused = sent.appends.filter(isRefused)
    const never = new Set<LiveEntry>(refused.flatMap(({ entries }) => entries))
    this.#unstored = [...sent.batch.entries.filter((entry) => !never.has(entry)), ...this.#unstored]
    this.#appends = [...sent.appends.filter((append) => !refused.includes(append)), ...this.#appends]
    this.#unpublished = this.#unpublished.filter((entry) => !never.has(entry))
    // Deltas that waited behind a refused event wait no longer.
    this.#publish(0)
    for (const { reject } of refused) reject(reason)
  }
}

/** The first step of a run that begins with its run is part of what was accepted with the message. */
function startMore(events: readonly Event[]): boolean {
  if (events.some(({ type }) => type === "runStarted")) return false
  return events.some(({ type }) => type === "stepStarted" || type === "runnerStateSaved")
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    { code: "session_too_large", status: 413 },
    `The session stores more than ${maxBytes} bytes, so this run cannot continue. Start a new session.`,
  )
}

function itemTooLarge({ id, kind }: OutboxItem): GatewayError {
  return new GatewayError(
    { code: "outbox_item_too_large", status: 413 },
    `The outbox item ${id} (${kind}) has more than ${maxItemBytes} bytes. Store the content ` +
      "elsewhere and send a reference.",
  )
}

import {
  LeaseLostError,
  RunCancelledError,
  RunSteeredError,
  RunWithdrawnError,
  StoreUnavailableError,
  WaitAnsweredError,
} from "../../../core/errors.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { Delta } from "../../../core/log/deltas.ts"
import {
  type AppData,
  type Entry,
  type Event,
  type EventEntry,
  isTerminal,
  type LiveEntry,
  logVersion,
  type StatusEntry,
  type TransientEntry,
} from "../../../core/log/entries.ts"
import { findVersion } from "../../../core/log/forms.ts"
import { computeFirstSequence } from "../../../core/log/sequence.ts"
import type { Journal, JournalEffects } from "../../../core/ports/run/journal.ts"
import type { CommitOutcome, Lease, Session, SessionBatch } from "../../../core/ports/store/session-log.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { createBatch } from "./batch.ts"
import type { Committable, Committer } from "./committer.ts"
import { DelayNotice, delayedByStore } from "./delay-notice.ts"
import { createItemTooLarge, createSessionTooLarge, maxItemBytes } from "./too-large.ts"

/**
 * Maximum unstored entries of one session while the store is down. If there are more, the writer stops, and the run
 * resumes later.
 */
const maxUnstored = 10_000
/** Deltas with this number of characters are stored without waiting for further entries. */
const urgentCharacters = 250_000
/** Maximum characters of transient entries and statuses that wait for earlier events to be stored. */
const maxHeldCharacters = 1_000_000

export interface WriterOptions {
  readonly lease: Lease
  readonly clock: Clock
  readonly committer: Committer
  /** Returns the newest log version that all live processes read (rule 14, versions). */
  readonly writableVersion: () => number
  /** Called with each entry in order of its sequence number, when it may be shown (rule 5). */
  readonly publish: (entry: LiveEntry) => void
  /** Called after each commit. */
  readonly onStored?: () => void
  /** Called once, when the writer cannot write any more: the lease is lost, or the store was down for too long. */
  readonly onStopped: (reason: Error) => void
}

/** Events that are stored or refused together with their effects. */
interface Append {
  readonly entries: readonly EventEntry[]
  readonly effects: JournalEffects
  readonly resolve: (entries: readonly EventEntry[]) => void
  readonly reject: (reason: Error) => void
}

/** The one writer of a claimed session. It numbers entries, stores them, and publishes them in order. */
export class SessionWriter implements Journal, Committable {
  readonly #options: WriterOptions
  #next: number
  #runId = ""
  /** Numbered entries that are not in a batch yet, in order. `#appends` contains the events among them again. */
  #unstored: Entry[] = []
  #appends: Append[] = []
  /** Characters of the deltas among them. */
  #unstoredCharacters = 0
  #inFlight: { readonly batch: SessionBatch; readonly appends: readonly Append[] } | null = null
  /** Entries that are not shown yet, because an event at or before them is not stored. */
  #unpublished: LiveEntry[] = []
  /** Characters of the transient entries and statuses among them. */
  #heldCharacters = 0
  #stopped: Error | null = null
  /** If true, the work on the session has ended. */
  #isClosed = false
  /** Approximate stored bytes of the session: the bytes at the start, plus all later writes. */
  #storedBytes = 0
  #maxBytes = Number.POSITIVE_INFINITY
  /** Sequence number of the last entry that was stored before the writer's first. */
  #lastSeq = 0
  #storedThrough = Number.POSITIVE_INFINITY
  #storedEvents = 0
  #isVerbatim = true
  readonly #delayNotice = new DelayNotice()

  constructor(options: WriterOptions) {
    this.#options = options
    this.#next = computeFirstSequence(options.lease.epoch)
  }

  /** The run of the following entries. */
  set runId(runId: string) {
    this.#runId = runId
  }

  /**
   * Sets the stored bytes of the session when the writer starts. If they exceed `maxBytes`, a run starts no further
   * step, and saves no further runner state. Its end is still stored.
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

  /** The store has every entry up to this number. Infinite until the number is known. */
  get storedThrough(): number {
    return this.#storedThrough
  }

  /** Number of events that the writer has stored, without withdrawals, which do not change the conversation. */
  get storedEvents(): number {
    return this.#storedEvents
  }

  /** If true, all events were stored in their own form, and none in a form for older processes. */
  get isVerbatim(): boolean {
    return this.#isVerbatim
  }

  /** Returns the entries that viewers have received and that a reader of the store does not see yet. */
  publishedUnstored(): readonly Entry[] {
    const first = this.#unpublished[0]
    const all = [...(this.#inFlight?.batch.entries ?? []), ...this.#unstored]
    return first === undefined ? all : all.filter((entry) => entry.seq < first.seq)
  }

  emit(delta: Delta): number {
    this.#requireOpen()
    const entry: Entry = { kind: "delta", seq: this.#next++, runId: this.#runId, delta }
    this.#unstored.push(entry)
    this.#unstoredCharacters += delta.text.length
    if (this.#unpublished.length === 0) this.#options.publish(entry)
    else this.#unpublished.push(entry)
    // While a batch is in flight, possibly with retries, later entries are not urgent.
    const isUrgent = this.#inFlight === null && this.#unstoredCharacters >= urgentCharacters
    if (isUrgent) this.#options.committer.commitSoon(this)
    else this.#options.committer.commitLater(this)
    return entry.seq
  }

  show(data: AppData): void {
    this.#requireOpen()
    this.#show({ kind: "transient", seq: this.#next++, runId: this.#runId, data })
  }

  /** Shows current subscribers what the run waits for, like `show`. Does nothing after the writer has stopped. */
  showStatus(message: string): void {
    if (this.#stopped !== null || this.#isClosed) return
    this.#show({ kind: "status", seq: this.#next++, runId: this.#runId, message })
  }

  #show(entry: TransientEntry | StatusEntry): void {
    if (this.#unpublished.length === 0) {
      this.#options.publish(entry)
      return
    }
    const characters = this.#heldCharacters + countCharacters(entry)
    if (characters > maxHeldCharacters) return
    this.#heldCharacters = characters
    this.#unpublished.push(entry)
  }

  append(events: readonly Event[], effects: JournalEffects = {}): Promise<readonly EventEntry[]> {
    return this.#append(this.#runId, events, effects)
  }

  /** Acts like `append`, for session events, which belong to no run. */
  appendFacts(events: readonly Event[], effects: JournalEffects): Promise<readonly EventEntry[]> {
    return this.#append(null, events, effects)
  }

  #append(
    runId: string | null,
    events: readonly Event[],
    effects: JournalEffects,
  ): Promise<readonly EventEntry[]> {
    const refusal = this.#refusal()
    if (refusal !== null) return Promise.reject(refusal)
    if (this.#storedBytes > this.#maxBytes && startMore(events))
      return Promise.reject(createSessionTooLarge(this.#maxBytes))
    const large = effects.outbox?.find(({ payload }) => estimateJsonSize(payload) > maxItemBytes)
    if (large !== undefined) return Promise.reject(createItemTooLarge(large))
    const at = this.#options.clock.now()
    const entries = events.map((event): EventEntry => {
      return { kind: "event", seq: this.#next++, v: findVersion(event), at, runId, event }
    })
    for (const event of events) this.#storedBytes += estimateJsonSize(event)
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
    const version = this.#options.writableVersion()
    if (version < logVersion) this.#isVerbatim = false
    this.#inFlight = {
      batch: createBatch(this.#options.lease, this.#unstored, {
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
        this.#delayNotice.reset()
        this.#storedThrough = sent.batch.entries.at(-1)?.seq ?? this.#storedThrough
        this.#publish(sent.batch.entries.at(-1)?.seq ?? 0)
        for (const { resolve, entries } of sent.appends) {
          this.#storedEvents += entries.filter(({ event }) => event.type !== "runWithdrawn").length
          resolve(entries)
        }
        this.#options.onStored?.()
        break
      case "cancelled":
        // A cancel was acknowledged first. The run did not end, but the rest of the batch is valid.
        this.#refuse(
          ({ entries }) => entries.some(({ event }) => isTerminal(event)),
          new RunCancelledError(this.#runId),
        )
        break
      case "steered":
        this.#refuse(
          ({ entries, effects }) =>
            effects.join !== undefined || entries.some(({ event }) => isTerminal(event)),
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
        this.stop(this.#createLost())
        break
      default:
        outcome satisfies never
    }
    this.#storeRest()
  }

  delayed(error: Error): void {
    const unstored = (this.#inFlight?.batch.entries.length ?? 0) + this.#unstored.length
    if (unstored > maxUnstored) this.stop(new StoreUnavailableError({ cause: error }))
    else if (this.#delayNotice.isDue()) this.#showDelay()
  }

  /** Shows the delay to subscribers who wait for an event. Entries behind that event, and statuses, are not shown. */
  #showDelay(): void {
    const [blocked] = this.#unpublished
    if (blocked === undefined || this.#runId === "") return
    this.#options.publish({
      kind: "status",
      seq: blocked.seq - 1,
      runId: this.#runId,
      message: delayedByStore,
    })
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

  /** Refuses all further writes, because the work on the session has ended. Unstored entries are lost. */
  close(): void {
    const hasWaiting = this.#inFlight !== null || this.#appends.length > 0
    if (hasWaiting) this.stop(this.#createLost())
    this.#isClosed = true
    this.#unstored = []
  }

  /** Stops the writer. It writes nothing more, and unstored entries are lost. */
  stop(reason: Error): void {
    if (this.#stopped !== null || this.#isClosed) return
    this.#stopped = reason
    for (const { reject } of [...(this.#inFlight?.appends ?? []), ...this.#appends]) reject(reason)
    this.#inFlight = null
    this.#appends = []
    this.#unstored = []
    this.#options.onStopped(reason)
  }

  #requireOpen(): void {
    const refusal = this.#refusal()
    if (refusal !== null) throw refusal
  }

  /** Returns the reason why nothing is written any more. Null while the writer writes. */
  #refusal(): Error | null {
    return this.#stopped ?? (this.#isClosed ? this.#createLost() : null)
  }

  #createLost(): LeaseLostError {
    return new LeaseLostError(this.#options.lease.sessionId)
  }

  /** Returns the sequence number of the session's last entry before these. */
  #seqBefore([first]: readonly Entry[]): number {
    if (first === undefined || first.seq === computeFirstSequence(this.#options.lease.epoch))
      return this.#lastSeq
    return first.seq - 1
  }

  /** Schedules entries that were written while a batch was in flight, and may have been skipped during its retry. */
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
      if (entry.kind === "transient" || entry.kind === "status")
        this.#heldCharacters -= countCharacters(entry)
      this.#options.publish(entry)
    }
  }

  /** Refuses these appends. The rest of the batch is stored with the next one. */
  #refuse(isRefused: (append: Append) => boolean, reason: Error): void {
    const sent = this.#inFlight
    if (sent === null) return
    this.#inFlight = null
    const refused = sent.appends.filter(isRefused)
    const never = new Set<LiveEntry>(refused.flatMap(({ entries }) => entries))
    this.#unstored = [...sent.batch.entries.filter((entry) => !never.has(entry)), ...this.#unstored]
    this.#appends = [...sent.appends.filter((append) => !refused.includes(append)), ...this.#appends]
    this.#unpublished = this.#unpublished.filter((entry) => !never.has(entry))
    // Deltas behind a refused event no longer wait.
    this.#publish(0)
    for (const { reject } of refused) reject(reason)
  }
}

function countCharacters(entry: TransientEntry | StatusEntry): number {
  return entry.kind === "status" ? entry.message.length : estimateJsonSize(entry.data)
}

/**
 * Returns true if the events start more work. The first step of a run that starts with its run is part of the
 * accepted message.
 */
function startMore(events: readonly Event[]): boolean {
  if (events.some(({ type }) => type === "runStarted")) return false
  return events.some(({ type }) => type === "stepStarted" || type === "runnerStateSaved")
}

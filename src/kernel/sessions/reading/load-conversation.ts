import type { Message } from "../../../core/history/messages.ts"
import { type Entry, type EventEntry, isTerminal } from "../../../core/log/entries.ts"
import { findRange, isSuperseded, type LogRange } from "../../../core/log/superseded.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import { Conversation } from "../../agent/conversation.ts"
import type { MessageOrigin } from "../../agent/message-history.ts"
import type { HistoryMark, HistoryMessages, MessagePlace } from "../sessions.ts"
import { FoldedCalls } from "./fold-calls.ts"
import { page, type Reader, type ReadQueue } from "./read-queue.ts"

/**
 * Folds the log for readers, up to some entry. Keeps every message, the details of all calls, and the places of
 * summaries and of ends of runs.
 */
export class Fold {
  readonly conversation = new Conversation({ complete: true })
  readonly #calls = new FoldedCalls()
  /** The marks that no part has yet, with the number of all messages before them. */
  #marks: HistoryMark[] = []
  /** Number of messages of the parts so far. */
  #taken = 0
  /** Text that the application returned for the end of the run that ends next. */
  #summary: string | null = null
  #answeredAt = 0
  #lastSeq = 0
  readonly #superseded: readonly LogRange[]
  /** The runs whose messages no part has yet, by the sequence number of their start. */
  readonly #runIds = new Map<number, string | null>()

  /** A history that the client replaced in a superseded run replaces nothing. */
  constructor(superseded: readonly LogRange[] = []) {
    this.#superseded = superseded
  }

  /** Enters a run, by the event that started it, without its message. Its later events can then be applied. */
  enter(started: EventEntry): void {
    this.conversation.apply(started)
    this.conversation.takeFinished()
  }

  apply(entry: EventEntry): void {
    const { event, seq } = entry
    if (event.type === "historyReplaced" && isSuperseded(this.#superseded, entry)) return
    this.conversation.apply(entry)
    this.#calls.apply(event)
    if (event.type === "runStarted" && event.content.length > 0) this.#runIds.set(seq, entry.runId)
    if (event.type === "historyReplaced") this.#marks = []
    if (event.type === "maxTurnsReached") this.#summary = event.summary ?? null
    const mark = createMark(seq, event, this.#summary)
    if (isTerminal(event)) this.#summary = null
    if (mark !== null) this.#marks.push({ ...mark, index: this.#taken + this.conversation.messages.length })
    this.#lastSeq = seq
    if (event.type === "messageCompleted") this.#answeredAt = seq
  }

  /**
   * Sequence number of the last event that the messages contain; 0 for an empty log. No message contains the results
   * of an unfinished step yet, so in such a step it is the number of the model's response.
   */
  get lastSeq(): number {
    return this.conversation.run?.phase.type === "settling" ? this.#answeredAt : this.#lastSeq
  }

  /** Removes and returns the messages that no later event can change, with their details. Null if there are none. */
  takeFinished(): HistoryMessages | null {
    const origins = [...this.conversation.history.origins]
    const messages = this.conversation.takeFinished()
    return messages.length === 0 ? null : this.#take(messages, origins, this.#taken + messages.length - 1)
  }

  /** Returns the messages that are left, with their details. */
  takeLast(): HistoryMessages {
    const { messages, history } = this.conversation
    return this.#take(messages, history.origins, Number.POSITIVE_INFINITY)
  }

  /** Takes the marks that have at most `upTo` messages before them. */
  #take(messages: readonly Message[], origins: readonly MessageOrigin[], upTo: number): HistoryMessages {
    const marks = this.#marks
      .filter(({ index }) => index <= upTo)
      .map((mark) => ({ ...mark, index: mark.index - this.#taken }))
    this.#marks = this.#marks.filter(({ index }) => index > upTo)
    this.#taken += messages.length
    const places = origins.slice(0, messages.length).map(({ seq }) => this.#takePlace(seq))
    return { type: "messages", messages, places, calls: this.#calls.take(messages), marks }
  }

  #takePlace(seq: number): MessagePlace {
    const runId = this.#runIds.get(seq) ?? null
    this.#runIds.delete(seq)
    return { runId, isSuperseded: findRange(this.#superseded, seq) !== undefined }
  }
}

/** Returns the mark of an event, at a place that the fold sets. Null if the event has none. */
function createMark(seq: number, event: EventEntry["event"], summary: string | null): HistoryMark | null {
  const index = 0
  switch (event.type) {
    case "historyCompacted": {
      const { summary, tokensBefore, tokensAfter } = event
      return { type: "compaction", index, seq, characters: summary.length, tokensBefore, tokensAfter }
    }
    case "runCompleted": {
      const { disposition: outcome, reason } = event
      if (outcome === "completed") return null
      return { type: "runEnd", index, outcome, reason, message: null, providerMessage: null, summary }
    }
    case "runFailed": {
      const { code: reason, message, providerMessage = null } = event
      return { type: "runEnd", index, outcome: "failed", reason, message, providerMessage, summary: null }
    }
    default:
      return null
  }
}

export interface FoldOptions {
  readonly reads: ReadQueue
  readonly reader: Reader
  readonly session: Session
}

export interface FoldRange {
  /** The event with which the fold starts, or 0. */
  readonly fromSeq: number
  /** No event up to this number replaces the history again. */
  readonly upToSeq: number
}

/**
 * Folds a range of the log, and yields the messages that no later event can change, page by page. The fold keeps none
 * of them, so a long session needs no more memory than a short one. The last messages stay in the fold. Ends early
 * when the reader's signal aborts.
 */
export async function* readFinishedMessages(
  options: FoldOptions,
  range: FoldRange,
  fold: Fold,
): AsyncGenerator<HistoryMessages> {
  for await (const reachedSeq of foldPages(options, range, (entry) => fold.apply(entry))) {
    const finished = fold.takeFinished()
    // Entries before the range belong to a history that was replaced.
    if (finished !== null && reachedSeq >= range.fromSeq) yield finished
  }
}

/**
 * Calls `apply` with the events of a range, and yields the last sequence number of each page. Ends early once the
 * reader's signal aborts.
 */
export async function* foldPages(
  { reads, reader, session }: FoldOptions,
  { fromSeq, upToSeq }: FoldRange,
  apply: (entry: EventEntry) => void,
): AsyncGenerator<number> {
  let afterSeq = Math.max(0, fromSeq - 1)
  while (afterSeq < upToSeq) {
    const entries = await reads.read(reader, session.id, { ...page, afterSeq, deltas: false })
    const [first, last] = [entries?.[0], entries?.at(-1)]
    if (entries === null || first === undefined || last === undefined) return
    if (afterSeq > 0 && first.seq === fromSeq && lacksSpending(first)) {
      afterSeq = 0
      continue
    }
    for (const entry of entries) if (entry.kind === "event" && entry.seq <= upToSeq) apply(entry)
    afterSeq = last.seq
    yield afterSeq
  }
}

/** Returns true for an older log, in which only earlier events contain the spending before this entry. */
function lacksSpending(entry: Entry): boolean {
  return entry.kind === "event" && entry.event.type === "historyReplaced" && entry.event.spent === undefined
}

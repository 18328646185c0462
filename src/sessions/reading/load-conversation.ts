import { Conversation } from "../../agent/conversation.ts"
import type { Message } from "../../core/history/messages.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import type { AppData, Entry, EventEntry } from "../../core/log/entries.ts"
import type { Session, SessionLog } from "../../core/ports/store/session-log.ts"
import type { HistoryMessages, PlacedCompaction } from "../sessions.ts"
import { page, type Reader, type ReadQueue } from "./read-queue.ts"

/** Folds the log for readers, up to some entry. Keeps every message, and all data that calls have emitted. */
export class Fold {
  readonly conversation = new Conversation({ complete: true })
  /** Emitted data by call. */
  readonly #data = new Map<string, AppData[]>()
  /** The compactions that no part has yet, with the number of all messages before them. */
  #compactions: PlacedCompaction[] = []
  /** Number of messages of the parts so far. */
  #taken = 0
  #answeredAt = 0
  #lastSeq = 0

  apply(entry: EventEntry): void {
    this.conversation.apply(entry)
    if (entry.event.type === "dataEmitted") this.#keep(entry.event)
    if (entry.event.type === "historyCompacted") this.#mark(entry.seq, entry.event)
    if (entry.event.type === "historyReplaced") {
      this.#data.clear()
      this.#compactions = []
    }
    this.#lastSeq = entry.seq
    if (entry.event.type === "messageCompleted") this.#answeredAt = entry.seq
  }

  /**
   * Sequence number of the last event that the messages contain; 0 for an empty log. No message contains the results
   * of an unfinished step yet, so in such a step it is the number of the model's response.
   */
  get lastSeq(): number {
    return this.conversation.run?.phase.type === "settling" ? this.#answeredAt : this.#lastSeq
  }

  /** Removes and returns the messages that no later event can change, with their data. Null if there are none. */
  takeFinished(): HistoryMessages | null {
    const messages = this.conversation.takeFinished()
    return messages.length === 0 ? null : this.#take(messages, this.#taken + messages.length - 1)
  }

  /** Returns the messages that are left, with their data. */
  takeLast(): HistoryMessages {
    return this.#take(this.conversation.messages, Number.POSITIVE_INFINITY)
  }

  /** Takes the compactions that have at most `upTo` messages before them. */
  #take(messages: readonly Message[], upTo: number): HistoryMessages {
    const compactions = this.#compactions
      .filter(({ index }) => index <= upTo)
      .map((each) => ({ ...each, index: each.index - this.#taken }))
    this.#compactions = this.#compactions.filter(({ index }) => index > upTo)
    this.#taken += messages.length
    return { type: "messages", messages, data: this.#takeData(messages), compactions }
  }

  #mark(seq: number, { summary, tokensBefore, tokensAfter }: HistoryCompacted): void {
    const index = this.#taken + this.conversation.messages.length
    this.#compactions.push({ index, seq, characters: summary.length, tokensBefore, tokensAfter })
  }

  /** Removes and returns the data of the calls whose results are in the messages, by call. */
  #takeData(messages: readonly Message[]): ReadonlyMap<string, readonly AppData[]> {
    const taken = new Map<string, readonly AppData[]>()
    for (const message of messages) {
      if (message.role !== "tool") continue
      for (const { toolCallId } of message.results) {
        const data = this.#data.get(toolCallId)
        if (data !== undefined) taken.set(toolCallId, data)
        this.#data.delete(toolCallId)
      }
    }
    return taken
  }

  #keep({ toolCallId, name, value }: AppData): void {
    const former = this.#data.get(toolCallId)
    if (former === undefined) this.#data.set(toolCallId, [{ toolCallId, name, value }])
    else former.push({ toolCallId, name, value })
  }
}

export interface FoldOptions {
  readonly reads: ReadQueue
  readonly reader: Reader
  readonly session: Session
}

/**
 * Resolves to the sequence number at which a fold for a model starts: the start of the run with the first message
 * after the last compaction, or the event that replaced the history, if that is later. 0 is the start of the log.
 */
export async function foldStart(log: SessionLog, sessionId: string): Promise<number> {
  const replacedAt = await log.historyStart(sessionId)
  const compactedAt = await log.compactionStart(sessionId)
  if (compactedAt <= replacedAt) return replacedAt
  const [entry] = await log.read(sessionId, { afterSeq: compactedAt - 1, limit: 1, deltas: false })
  if (entry?.kind !== "event" || entry.event.type !== "historyCompacted") return replacedAt
  return Math.max(replacedAt, await log.runStart(sessionId, entry.event.keptFromSeq))
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

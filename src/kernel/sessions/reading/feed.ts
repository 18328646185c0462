import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { LiveEntry } from "../../../core/log/entries.ts"

/**
 * Maximum queued entries of a viewer, and maximum characters of their deltas and data. A viewer that exceeds them
 * reads from the store (rule 16).
 */
const maxQueuedEntries = 2_000
const maxQueuedCharacters = 1_000_000

/**
 * The next item for a viewer: entries, a notice that the store has more entries than the feed, or the end because the
 * process stops.
 */
export type FeedItem =
  | { readonly type: "batch"; readonly entries: readonly LiveEntry[] }
  | { readonly type: "stale" }
  | { readonly type: "closed" }

/** The live entries of all sessions that this process writes or shows. */
export class Feed {
  readonly #channels = new Map<string, Channel>()
  /** Channels with new entries in this turn of the event loop. */
  #touched: Channel[] = []
  #immediate: NodeJS.Immediate | null = null
  #closed = false

  /** True once every view is to end. */
  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Opens the writer's side while the writer holds the session. `publishedUnstored` returns the entries that a new
   * viewer cannot read from the store, and `storedThrough` the number up to which the store has everything. Default:
   * not known.
   */
  openWriter(
    sessionId: string,
    publishedUnstored: () => readonly LiveEntry[],
    storedThrough: () => number = () => Number.POSITIVE_INFINITY,
  ): FeedWriter {
    const channel = this.#channel(sessionId)
    channel.publishedUnstored = publishedUnstored
    channel.storedThrough = storedThrough
    // Entries that another process wrote before may not have been relayed.
    if (channel.relayedThrough !== null) makeAllStale(channel)
    return {
      publish: (entry) => this.#publish(channel, entry),
      close: () => {
        this.#flush()
        channel.publishedUnstored = null
        channel.storedThrough = null
        makeAllStale(channel)
        this.#forget(channel)
      },
    }
  }

  /**
   * Opens the side of a reader that publishes the stored entries of other processes. `relayedThrough` returns the
   * number up to which it has published everything. While this process writes the session, the relay publishes
   * nothing.
   */
  openRelay(sessionId: string, relayedThrough: () => number): FeedRelay {
    const channel = this.#channel(sessionId)
    channel.relayedThrough = relayedThrough
    return {
      publish: (entry) => {
        if (channel.publishedUnstored === null) this.#publish(channel, entry)
      },
      close: () => {
        if (channel.relayedThrough !== relayedThrough) return
        this.#flush()
        channel.relayedThrough = null
        if (channel.publishedUnstored === null) makeAllStale(channel)
        this.#forget(channel)
      },
    }
  }

  /** `signal` ends each `wait` of the subscription. */
  subscribe(sessionId: string, signal: AbortSignal): FeedSubscription {
    const channel = this.#channel(sessionId)
    const tail = {
      storedThrough: (channel.storedThrough ?? channel.relayedThrough)?.() ?? Number.POSITIVE_INFINITY,
      unstored: channel.publishedUnstored?.() ?? [],
    }
    const subscription = new FeedSubscription(tail, signal, channel, this.#leave)
    channel.subscriptions.add(subscription)
    if (this.#closed) subscription.finish()
    return subscription
  }

  /** Ends every current and future view, because the process stops. */
  close(): void {
    this.#flush()
    this.#closed = true
    for (const { subscriptions } of this.#channels.values()) {
      for (const subscription of subscriptions) subscription.finish()
    }
  }

  /** Returns true if this process writes the session, so that its subscriptions receive everything. */
  hasWriter(sessionId: string): boolean {
    return this.#channels.get(sessionId)?.publishedUnstored != null
  }

  #publish(channel: Channel, entry: LiveEntry): void {
    if (channel.subscriptions.size === 0) return
    if (channel.tick.length === 0) this.#touched.push(channel)
    channel.tick.push(entry)
    this.#immediate ??= setImmediate(() => this.#flush())
  }

  /** Passes each channel's entries of this turn to all its viewers, as the same batch object. */
  #flush(): void {
    clearImmediate(this.#immediate ?? undefined)
    this.#immediate = null
    const touched = this.#touched
    this.#touched = []
    for (const channel of touched) {
      const batch = { entries: channel.tick, characters: countCharacters(channel.tick) }
      channel.tick = []
      for (const subscription of channel.subscriptions) subscription.offer(batch)
    }
  }

  #channel(sessionId: string): Channel {
    let channel = this.#channels.get(sessionId)
    if (channel === undefined) {
      channel = {
        sessionId,
        tick: [],
        subscriptions: new Set(),
        publishedUnstored: null,
        storedThrough: null,
        relayedThrough: null,
      }
      this.#channels.set(sessionId, channel)
    }
    return channel
  }

  readonly #leave: Leave = (subscription, channel) => {
    channel.subscriptions.delete(subscription)
    this.#forget(channel)
  }

  #forget(channel: Channel): void {
    const { subscriptions, publishedUnstored, relayedThrough } = channel
    if (subscriptions.size === 0 && publishedUnstored === null && relayedThrough === null)
      this.#channels.delete(channel.sessionId)
  }
}

export interface FeedWriter {
  publish(entry: LiveEntry): void
  close(): void
}

/** The reader's side of a session that another process writes. */
export interface FeedRelay {
  publish(entry: LiveEntry): void
  /** The viewers then return to the store. May be called again. */
  close(): void
}

interface Channel {
  readonly sessionId: string
  tick: LiveEntry[]
  readonly subscriptions: Set<FeedSubscription>
  publishedUnstored: (() => readonly LiveEntry[]) | null
  storedThrough: (() => number) | null
  /** Null without a relay. */
  relayedThrough: (() => number) | null
}

function makeAllStale({ subscriptions }: Channel): void {
  for (const subscription of subscriptions) subscription.makeStale()
}

/** The end of a session's log when a subscription starts. */
export interface Tail {
  /** Every entry after this number is unstored or not written yet. Infinite if the number is not known. */
  readonly storedThrough: number
  /** The entries that were published but not stored yet. */
  readonly unstored: readonly LiveEntry[]
}

const emptyTail: Tail = { storedThrough: Number.POSITIVE_INFINITY, unstored: [] }

type Leave = (subscription: FeedSubscription, channel: Channel) => void

interface Batch {
  readonly entries: readonly LiveEntry[]
  readonly characters: number
}

function countCharacters(entries: readonly LiveEntry[]): number {
  let characters = 0
  for (const entry of entries) characters += countCharactersOfEntry(entry)
  return characters
}

function countCharactersOfEntry(entry: LiveEntry): number {
  switch (entry.kind) {
    case "delta":
      return entry.delta.text.length
    case "transient":
      return estimateJsonSize(entry.data)
    case "status":
      return entry.message.length
    case "event":
      return entry.event.type === "dataEmitted" ? estimateJsonSize(entry.event.value) : 0
    default:
      return entry satisfies never
  }
}

/**
 * One viewer's position in a live tail. Its queue is bounded. If the queue overflows, the subscription only records
 * that it is stale.
 */
export class FeedSubscription {
  #tail: Tail
  readonly #signal: AbortSignal
  readonly #channel: Channel
  readonly #leave: Leave
  #queue: Batch[] = []
  #entries = 0
  #characters = 0
  #stale = false
  #finished = false
  #wake: () => void = () => {}

  /** `leave` is the same function for all subscriptions of a feed, because there may be thousands of them. */
  constructor(tail: Tail, signal: AbortSignal, channel: Channel, leave: Leave) {
    this.#tail = tail
    this.#signal = signal
    this.#channel = channel
    this.#leave = leave
    signal.addEventListener("abort", this)
  }

  /** Called when the signal aborts. */
  handleEvent(): void {
    this.#wake()
  }

  /** Returns the tail, which the subscription keeps no longer. */
  takeTail(): Tail {
    const tail = this.#tail
    this.#tail = emptyTail
    return tail
  }

  offer(batch: Batch): void {
    if (this.#stale) return
    const entries = this.#entries + batch.entries.length
    const characters = this.#characters + batch.characters
    if (entries > maxQueuedEntries || characters > maxQueuedCharacters) {
      this.makeStale()
      return
    }
    this.#queue.push(batch)
    this.#entries = entries
    this.#characters = characters
    this.#wake()
  }

  /** Drops the queue. The viewer continues from the store. */
  makeStale(): void {
    this.#stale = true
    this.#queue = []
    this.#entries = 0
    this.#characters = 0
    this.#wake()
  }

  /** Ends the subscription after the queued entries. */
  finish(): void {
    this.#finished = true
    this.#wake()
  }

  /** True if `wait` would not resolve at once. */
  get isWaiting(): boolean {
    return this.#queue.length === 0 && !this.#stale && !this.#finished && !this.#signal.aborted
  }

  /**
   * Resolves when `next` has an item, when the signal aborts, or when the subscription is closed. One caller waits at a
   * time.
   */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (!this.isWaiting) resolve()
    })
  }

  next(): FeedItem | null {
    if (this.#stale && !this.#finished) return { type: "stale" }
    const batch = this.#queue.shift()
    if (batch === undefined) return this.#finished ? { type: "closed" } : null
    this.#entries -= batch.entries.length
    this.#characters -= batch.characters
    return { type: "batch", entries: batch.entries }
  }

  close(): void {
    this.#signal.removeEventListener("abort", this)
    this.#leave(this, this.#channel)
    this.#wake()
  }
}

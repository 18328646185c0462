import type { Entry } from "../core/entries.ts"

/** Entries a viewer may have waiting; past it the viewer is sent to the store (rule 16). */
const maxQueuedEntries = 2_000

/**
 * What a viewer finds when it looks: entries to show, word that the store has more than the feed gave, or that the
 * process stops and shows nothing more.
 */
export type FeedItem =
  | { readonly type: "batch"; readonly entries: readonly Entry[] }
  | { readonly type: "stale" }
  | { readonly type: "closed" }

/** The live tails of all sessions that this process writes or shows. */
export class Feed {
  readonly #channels = new Map<string, Channel>()
  /** Channels with entries of this turn of the event loop. */
  #touched: Channel[] = []
  #immediate: NodeJS.Immediate | null = null
  #closed = false

  /** The writer's side, while it holds the session. `publishedUnstored` is what the store would not give a newcomer. */
  openWriter(sessionId: string, publishedUnstored: () => readonly Entry[]): FeedWriter {
    const channel = this.#channel(sessionId)
    channel.publishedUnstored = publishedUnstored
    return {
      publish: (entry) => this.#publish(channel, entry),
      close: () => {
        this.#flush()
        channel.publishedUnstored = null
        for (const subscription of channel.subscriptions) subscription.makeStale()
        this.#forget(channel)
      },
    }
  }

  subscribe(sessionId: string): FeedSubscription {
    const channel = this.#channel(sessionId)
    const subscription = new FeedSubscription(channel.publishedUnstored?.() ?? [], () => {
      channel.subscriptions.delete(subscription)
      this.#forget(channel)
    })
    channel.subscriptions.add(subscription)
    if (this.#closed) subscription.finish()
    return subscription
  }

  /** Ends every view, now and from now on: the process stops. */
  close(): void {
    this.#flush()
    this.#closed = true
    for (const { subscriptions } of this.#channels.values()) {
      for (const subscription of subscriptions) subscription.finish()
    }
  }

  /** Whether this process writes the session, so that its subscriptions hear of all there is. */
  hasWriter(sessionId: string): boolean {
    return this.#channels.get(sessionId)?.publishedUnstored != null
  }

  #publish(channel: Channel, entry: Entry): void {
    if (channel.subscriptions.size === 0) return
    if (channel.tick.length === 0) this.#touched.push(channel)
    channel.tick.push(entry)
    this.#immediate ??= setImmediate(() => this.#flush())
  }

  /** Hands each channel's entries of this turn to all its viewers, as one and the same batch. */
  #flush(): void {
    clearImmediate(this.#immediate ?? undefined)
    this.#immediate = null
    const touched = this.#touched
    this.#touched = []
    for (const channel of touched) {
      const entries = channel.tick
      channel.tick = []
      for (const subscription of channel.subscriptions) subscription.offer(entries)
    }
  }

  #channel(sessionId: string): Channel {
    let channel = this.#channels.get(sessionId)
    if (channel === undefined) {
      channel = { sessionId, tick: [], subscriptions: new Set(), publishedUnstored: null }
      this.#channels.set(sessionId, channel)
    }
    return channel
  }

  #forget(channel: Channel): void {
    if (channel.subscriptions.size === 0 && channel.publishedUnstored === null)
      this.#channels.delete(channel.sessionId)
  }
}

export interface FeedWriter {
  publish(entry: Entry): void
  close(): void
}

interface Channel {
  readonly sessionId: string
  tick: Entry[]
  readonly subscriptions: Set<FeedSubscription>
  publishedUnstored: (() => readonly Entry[]) | null
}

/** One viewer's place in a live tail. Holds a bounded queue; when that overflows it only remembers to be stale. */
export class FeedSubscription {
  /** Published before this subscription began, and not in the store at that moment. */
  readonly unstored: readonly Entry[]
  readonly #onClose: () => void
  #queue: (readonly Entry[])[] = []
  #queued = 0
  #stale = false
  #finished = false
  #wake: (() => void) | null = null

  constructor(unstored: readonly Entry[], onClose: () => void) {
    this.unstored = unstored
    this.#onClose = onClose
  }

  offer(entries: readonly Entry[]): void {
    if (this.#stale) return
    if (this.#queued + entries.length > maxQueuedEntries) {
      this.makeStale()
      return
    }
    this.#queue.push(entries)
    this.#queued += entries.length
    this.#wake?.()
  }

  /** What is queued is dropped: the viewer reads on from the store. */
  makeStale(): void {
    this.#stale = true
    this.#queue = []
    this.#queued = 0
    this.#wake?.()
  }

  /** Nothing follows what is queued. */
  finish(): void {
    this.#finished = true
    this.#wake?.()
  }

  /** Resolves when `next` has something, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#queue.length > 0 || this.#stale || this.#finished || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    signal.addEventListener("abort", wake, { once: true })
    await promise
    signal.removeEventListener("abort", wake)
    this.#wake = null
  }

  next(): FeedItem | null {
    if (this.#stale && !this.#finished) return { type: "stale" }
    const entries = this.#queue.shift()
    if (entries === undefined) return this.#finished ? { type: "closed" } : null
    this.#queued -= entries.length
    return { type: "batch", entries }
  }

  close(): void {
    this.#onClose()
  }
}

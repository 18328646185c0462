import type { EventEntry } from "../log/entries.ts"

/** Receives the events of all sessions of an agent: at least once, and in order within a session. */
export interface Subscriber {
  /** Its cursors are kept under this name. */
  readonly name: string
  /** Milliseconds that one call may take; its signal is aborted then. */
  readonly timeoutMs: number
  /**
   * Called with the next events of one session, and for one session once at a time. A rejection, or no return in
   * time, has the events repeated after a pause, from the first one that was not reported to `context.handled`.
   */
  onEvents(page: EventPage, context: SubscriberContext): void | Promise<void>
  /** Called when a session was removed with events that this subscriber has not received. */
  onGap(gap: Gap, context: SubscriberContext): void | Promise<void>
}

export interface EventPage {
  readonly sessionId: string
  readonly entries: readonly [EventEntry, ...EventEntry[]]
}

/** The session's events after this sequence number are lost to the subscriber. */
export interface Gap {
  readonly sessionId: string
  readonly afterSeq: number
}

export interface SubscriberContext {
  /** Aborted when the time for this call is over, and when the process stops. */
  readonly signal: AbortSignal
  /** Counts the attempts at the first event of the page from 1. */
  readonly attempt: number
  /**
   * Marks the events up to this sequence number as received, so that they are not repeated. A call that marks events
   * and returns has received only those; one that marks none has received all.
   */
  handled(seq: number): void
}

/** The place of each subscriber in each session. */
export interface Subscriptions {
  /**
   * Has the store follow sessions of these agents for these subscribers: from the next commit of a session that
   * exists, and from the beginning of a new one. Call it again at times: a subscription that was not registered for
   * long is forgotten by `prune`. Resolves to those that had been forgotten.
   */
  register(subscriptions: readonly Subscription[]): Promise<readonly ForgottenSubscription[]>
  /**
   * Claims due cursors of one subscriber, those that are due longest first. A claim ends after `leaseMs` by the
   * store's clock: then the cursor is due again.
   */
  claim(options: CursorClaim): Promise<readonly Cursor[]>
  /** Moves the cursor and extends the claim. This and what follows resolve to false if the claim has ended. */
  advance(cursor: Cursor, seq: number, options: { readonly leaseMs: number }): Promise<boolean>
  /** Moves the cursor to the end and gives it back. It is due again if events were committed since it was claimed. */
  finish(cursor: Cursor, seq: number): Promise<boolean>
  /** Moves the cursor as far as events were received, and makes it due again after `retryInMs`. */
  fail(cursor: Cursor, failure: CursorFailure): Promise<boolean>
  /** Moves the cursor and gives it back as if it had not been claimed: it is due at once. */
  release(cursor: Cursor, seq: number): Promise<boolean>
  /** Deletes the cursor of a session that is gone. */
  remove(cursor: Cursor): Promise<boolean>
  /** Milliseconds until the first cursor of each subscriber is due: 0 or less if one is due. */
  nextDue(subscriptions: readonly Subscription[]): Promise<ReadonlyMap<string, number>>
  /**
   * Yields when cursors may have become due, because this process committed events. A hint: `nextDue` misses nothing.
   */
  arrivals(options: { readonly signal: AbortSignal }): AsyncIterable<void>
}

export interface Subscription {
  readonly subscriber: string
  readonly agent: string
}

export interface ForgottenSubscription extends Subscription {
  /** Milliseconds since the Unix epoch: events since then may be lost to it. */
  readonly since: number
}

export interface CursorClaim {
  readonly subscriber: string
  readonly agents: readonly string[]
  readonly limit: number
  readonly leaseMs: number
}

export interface Cursor {
  readonly sessionId: string
  readonly subscriber: string
  /** Sequence number of the last event that was received. */
  readonly seq: number
  /** Counts the attempts since the cursor moved last from 1, this one included. */
  readonly attempt: number
  /** If true, the session was removed. */
  readonly isGone: boolean
  /** Names this claim. */
  readonly claim: string
}

export interface CursorFailure {
  readonly seq: number
  readonly error: string
  readonly retryInMs: number
}

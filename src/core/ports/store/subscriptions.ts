import type { EventEntry } from "../../log/entries.ts"

/** Receives the events of all sessions of an agent: at least once, and in order within a session. */
export interface Subscriber {
  /** The store keeps its cursors under this name. */
  readonly name: string
  /** Maximum milliseconds of one call. Its signal is then aborted. */
  readonly timeoutMs: number
  /**
   * Called with the next events of one session. Calls for one session never overlap. If a call rejects, or does not
   * settle in time, the gateway repeats the events after a pause, starting with the first event that was not reported
   * to `context.handled`.
   */
  onEvents(page: EventPage, context: SubscriberContext): void | Promise<void>
  /** Called when a session was removed before this subscriber received all of its events. */
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
  /** Aborted when the call exceeds its time limit, and when the process stops. */
  readonly signal: AbortSignal
  /** Counts the attempts to deliver the first event of the page from 1. */
  readonly attempt: number
  /**
   * Marks the events up to this sequence number as received, so that they are not repeated. If a call marks events
   * and returns, only those count as received. If it marks none, all count as received.
   */
  handled(seq: number): void
}

/** The position of each subscriber in each session. */
export interface Subscriptions {
  /**
   * Makes the store follow sessions of these agents for these subscribers: an existing session from its next commit,
   * a new one from its start. Call it again regularly, because `prune` forgets subscriptions that were not registered
   * for long. Resolves to those that had been forgotten.
   */
  register(subscriptions: readonly Subscription[]): Promise<readonly ForgottenSubscription[]>
  /**
   * Claims due cursors of one subscriber, those that are due longest first. A claim ends after `leaseMs` by the
   * store's clock: then the cursor is due again.
   */
  claim(options: CursorClaim): Promise<readonly Cursor[]>
  /**
   * Moves the cursor and extends the claim. This method and the methods below resolve to false if the claim has
   * ended.
   */
  advance(cursor: Cursor, seq: number, options: { readonly leaseMs: number }): Promise<boolean>
  /** Moves the cursor to the end and releases it. It is due again if events were committed after the claim. */
  finish(cursor: Cursor, seq: number): Promise<boolean>
  /** Moves the cursor as far as events were received. It is due again after `retryInMs`. */
  fail(cursor: Cursor, failure: CursorFailure): Promise<boolean>
  /** Moves the cursor and releases it as if it had not been claimed: it is due at once. */
  release(cursor: Cursor, seq: number): Promise<boolean>
  /** Deletes the cursor of a session that is gone. */
  remove(cursor: Cursor): Promise<boolean>
  /** Returns the milliseconds until the first cursor of each subscriber is due: 0 or less if one is due. */
  nextDue(subscriptions: readonly Subscription[]): Promise<ReadonlyMap<string, number>>
  /**
   * Yields when cursors may be due because this process committed events. This is only a hint: `nextDue` finds every
   * cursor.
   */
  arrivals(options: { readonly signal: AbortSignal }): AsyncIterable<void>
}

export interface Subscription {
  readonly subscriber: string
  readonly agent: string
}

export interface ForgottenSubscription extends Subscription {
  /** Milliseconds since the Unix epoch. Events after this time may be lost to the subscriber. */
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
  /** Counts the attempts since the last move of the cursor from 1, including this one. */
  readonly attempt: number
  /** If true, the session was removed. */
  readonly isGone: boolean
  /** Identifies this claim. */
  readonly claim: string
}

export interface CursorFailure {
  readonly seq: number
  readonly error: string
  readonly retryInMs: number
}

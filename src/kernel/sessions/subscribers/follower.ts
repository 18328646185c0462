import { toError } from "../../../core/errors.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type {
  Cursor,
  Subscriber,
  SubscriberContext,
  Subscriptions,
} from "../../../core/ports/store/subscriptions.ts"
import { removeSecrets } from "../../../core/text/remove-secrets.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import { computeBackoff } from "../../../platform/backoff/backoff.ts"
import { page, type ReadQueue } from "../reading/read-queue.ts"

const backoff = { firstMs: 1_000, maxMs: 600_000 }
/** Maximum attempts to report a gap. After that, it is only logged. */
const maxGapAttempts = 15
/** Milliseconds from a subscriber's timeout to the end of its claim. */
const leaseMarginMs = 10_000
/** The size of a page may be this many times its estimate. A page that may be truncated is followed by another. */
const sizeMargin = 8

export interface FollowerOptions {
  readonly subscriptions: Subscriptions
  readonly reads: ReadQueue
  readonly logger: Logger
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal
}

/** Returns the milliseconds that a claim of this subscriber lasts for each page. */
export function computeLeaseMs({ timeoutMs }: Subscriber): number {
  return timeoutMs + leaseMarginMs
}

/**
 * Delivers the session's events from the claimed cursor to the subscriber, page by page. Rejects only if the store
 * fails.
 */
export async function followSession(
  subscriber: Subscriber,
  cursor: Cursor,
  options: FollowerOptions,
): Promise<void> {
  if (cursor.isGone) return reportGap(subscriber, cursor, options)
  const { subscriptions, reads, stopping } = options
  // The reader serves all tenants, and takes turns with them like a further tenant.
  const principal = { tenant: `subscriber ${subscriber.name}`, userId: "" }
  const reader = { principal, signal: stopping, isRun: true }
  let { seq, attempt } = cursor
  for (;;) {
    const entries = await reads.read(reader, cursor.sessionId, { ...page, afterSeq: seq, deltas: false })
    if (entries === null) return releaseCursor(subscriptions, cursor, seq)
    const events = entries.filter((entry) => entry.kind === "event")
    const [first, ...others] = events
    if (first === undefined) return void (await subscriptions.finish(cursor, seq))
    const through = await deliver(subscriber, { ...cursor, seq, attempt }, [first, ...others], options)
    if (through === null) return
    const isLast = through === events.at(-1)?.seq && !mayBeCut(events)
    if (isLast) return void (await subscriptions.finish(cursor, through))
    if (!(await subscriptions.advance(cursor, through, { leaseMs: computeLeaseMs(subscriber) }))) return
    seq = through
    attempt = 1
  }
}

function mayBeCut(events: readonly EventEntry[]): boolean {
  if (events.length >= page.limit) return true
  const size = events.reduce((sum, { event }) => sum + estimateJsonSize(event), 0)
  return size * sizeMargin >= page.maxCharacters
}

/**
 * Resolves to the sequence number up to which the subscriber has received events. Null if the cursor was released.
 */
async function deliver(
  subscriber: Subscriber,
  cursor: Cursor,
  entries: readonly [EventEntry, ...EventEntry[]],
  { subscriptions, logger, stopping }: FollowerOptions,
): Promise<number | null> {
  const { sessionId, seq, attempt } = cursor
  let handled: number | null = null
  const call = (signal: AbortSignal) => {
    const context: SubscriberContext = {
      signal,
      attempt,
      handled: (upTo) => {
        if (!signal.aborted) handled = Math.max(handled ?? seq, upTo)
      },
    }
    return subscriber.onEvents({ sessionId, entries }, context)
  }
  try {
    await callSubscriber(subscriber, call, stopping)
    const through = handled ?? entries.at(-1)?.seq ?? seq
    if (through <= seq)
      throw new Error(`The subscriber ${subscriber.name} returned without receiving an event.`)
    return through
  } catch (thrown) {
    const through = handled ?? seq
    if (stopping.aborted) await releaseCursor(subscriptions, cursor, through)
    else {
      const error = toError(thrown)
      const failedAttempt = through > seq ? 1 : attempt
      const retryInMs = computeBackoff(failedAttempt - 1, backoff)
      logger.warn(
        { error, subscriber: subscriber.name, sessionId, seq: through, attempt: failedAttempt, retryInMs },
        "A subscriber failed. It receives these events of the session again.",
      )
      await subscriptions.fail(cursor, { seq: through, error: removeSecrets(error.message), retryInMs })
    }
    return null
  }
}

async function reportGap(
  subscriber: Subscriber,
  cursor: Cursor,
  { subscriptions, logger, stopping }: FollowerOptions,
): Promise<void> {
  const { sessionId, seq, attempt } = cursor
  const fields = { subscriber: subscriber.name, sessionId, afterSeq: seq }
  try {
    const createContext = (signal: AbortSignal) => ({ signal, attempt, handled: () => undefined })
    await callSubscriber(
      subscriber,
      (signal) => subscriber.onGap({ sessionId, afterSeq: seq }, createContext(signal)),
      stopping,
    )
  } catch (thrown) {
    if (stopping.aborted) return releaseCursor(subscriptions, cursor, seq)
    const error = toError(thrown)
    logger.warn({ error, ...fields, attempt }, "A subscriber could not be notified of events that it missed.")
    if (attempt < maxGapAttempts) {
      const retryInMs = computeBackoff(attempt - 1, backoff)
      await subscriptions.fail(cursor, { seq, error: removeSecrets(error.message), retryInMs })
      return
    }
  }
  logger.warn(fields, "A session was removed before a subscriber had received all its events.")
  await subscriptions.remove(cursor)
}

async function callSubscriber(
  { name, timeoutMs }: Subscriber,
  call: (signal: AbortSignal) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await callBounded(async (stop) => call(stop), { name: `The subscriber ${name}`, timeoutMs, signal })
}

async function releaseCursor(subscriptions: Subscriptions, cursor: Cursor, seq: number): Promise<void> {
  await subscriptions.release(cursor, seq)
}

import type { ChatEvent } from "../core/wire/chat-event.ts"
import { computeRetryDelay, type RetryPolicy, sleep } from "./backoff.ts"
import { createClientError } from "./chat-error.ts"
import type { Exchange } from "./exchange.ts"
import { type Frame, maxFrameCharacters, parseEventStream } from "./parse-event-stream.ts"

/** An event with its cursor. Only an event with a cursor moves the position in the stream. */
export type SentEvent = ChatEvent & {
  /** Position in the session's stream after this event. */
  readonly cursor?: number
}

/** State of the connection behind a stream. */
export type ConnectionState =
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  | {
      /** The client tries again after `delayMs`. */
      readonly state: "waiting"
      readonly error: unknown
      readonly delayMs: number
      /** Number of failures in a row. */
      readonly failures: number
    }

export interface Followed {
  /** Events up to and including this cursor are left out. Null: none are. */
  readonly after: number | null
  /** Opens the stream after the cursor. Null: no events follow and no run is open. */
  open(cursor: number | null, signal: AbortSignal): Promise<Exchange | null>
  /** If true, the stream belongs to one run and ends with its terminal event. */
  readonly oneRun: boolean
}

export interface FollowOptions {
  readonly retry: RetryPolicy
  readonly onConnection: (state: ConnectionState) => void
}

/** A connection that lasts this long has worked, even if it delivers only heartbeats. Proxies often cut it then. */
const workingMs = 30_000

/** Yields each event once and in order, over as many connections as necessary. */
export async function* follow(
  { after, open, oneRun }: Followed,
  { retry, onConnection }: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<SentEvent> {
  let cursor = after
  let failures = 0
  /** Number of streams in a row that ended as if no run were open. */
  let ends = 0
  for (;;) {
    let openedAt = Number.POSITIVE_INFINITY
    let hasProgress = false
    let hasEnded = false
    try {
      onConnection({ state: "connecting" })
      const exchange = await open(cursor, signal)
      if (exchange === null) {
        if (oneRun) throw createClientError("run_lost")
        return
      }
      openedAt = Date.now()
      onConnection({ state: "open" })
      try {
        for await (const event of readEvents(cursor, exchange)) {
          hasEnded = isTerminal(event) || (!oneRun && event.type === "task_completed")
          hasProgress ||= event.cursor !== undefined
          cursor = event.cursor ?? cursor
          yield event
          if (hasEnded && oneRun) return
        }
      } finally {
        exchange.close()
      }
      throw createClientError("stream_ended")
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const hasWorked = Date.now() - openedAt >= workingMs
      ends = hasEnded ? (hasWorked ? 1 : ends + 1) : 0
      // This is the usual end of a session's stream. The next response shows if more follows.
      if (ends === 1) continue
      failures = hasWorked || (hasProgress && !hasEnded) ? 1 : failures + 1
      const delayMs = computeRetryDelay(error, failures, retry)
      onConnection({ state: "waiting", error, delayMs, failures })
      await sleep(delayMs, signal)
    }
  }
}

/**
 * Yields the events of one connection. Only the last of several frames of one log entry has an id. The earlier frames
 * are held until it arrives, because after a cut in between all of them come again.
 */
async function* readEvents(after: number | null, exchange: Exchange): AsyncGenerator<SentEvent> {
  let cursor = after ?? -1
  let pendingEvents: ChatEvent[] = []
  let heldCharacters = 0
  for await (const frame of parseEventStream(exchange.chunks())) {
    const event = parseEvent(frame)
    if (frame.id === null) {
      if (passingTypes.includes(event.type) || event.sub_agent_id !== undefined) {
        yield event
        continue
      }
      pendingEvents.push(event)
      heldCharacters += frame.data.length
      if (heldCharacters > maxFrameCharacters) throw createClientError("response_too_large")
      continue
    }
    const entry = pendingEvents
    pendingEvents = []
    heldCharacters = 0
    if (frame.id <= cursor) continue
    cursor = frame.id
    yield* entry
    yield { ...event, cursor }
  }
}

/**
 * Types of events that belong to no log entry of the session, such as those of sub-agents. They report a current
 * state, and are not sent again.
 */
const passingTypes: readonly string[] = ["heartbeat", "run_queued", "task_progress"]

/** Returns true for the event that ends a run of the session itself. Sub-agents end with `sub_agent_end`. */
export function isTerminal({ type }: ChatEvent): boolean {
  return type === "stream_complete" || type === "error"
}

/** Parses an event. Events of unknown types are passed on, because a newer gateway may send them. */
function parseEvent({ data }: Frame): ChatEvent {
  let event: unknown
  try {
    event = JSON.parse(data)
  } catch {
    throw createClientError("invalid_stream")
  }
  if (typeof (event as Partial<ChatEvent> | null)?.type !== "string")
    throw createClientError("invalid_stream")
  return event as ChatEvent
}

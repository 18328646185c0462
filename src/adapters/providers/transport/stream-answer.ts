import type {
  ModelDelta,
  ModelEnd,
  ModelEvent,
  ModelFailure,
  ModelInputDelta,
  ModelProgress,
  ModelRequest,
} from "../../../core/ports/model/provider.ts"
import { createModelFailure } from "../model-failure.ts"
import { linkSignal } from "./linked-signal.ts"
import type { EventStream } from "./open-event-stream.ts"
import { ReadEvents } from "./read-events.ts"
import { readSseBatches, type SseEvent } from "./sse-events.ts"

/** Folds the events of one response into deltas and, when it is whole, the end. */
export interface AnswerFold {
  /** If true, the service has reported that nothing follows. */
  readonly complete: boolean
  /** If true, the response is whole even if nothing follows. */
  readonly whole: boolean
  /** If true, only the usage may follow, which is not worth a long wait. */
  readonly ended: boolean
  /** If true, content without text has arrived since the last `progress`. */
  readonly advanced: boolean
  /** Returns the progress that was not shown yet. */
  progress(): ModelProgress
  end(requestedModel: string): ModelEnd
}

/** One call to a service. */
export interface Call<Connection> {
  readonly request: ModelRequest
  readonly fold: AnswerFold
  open(connection: Connection, signal: AbortSignal): Promise<EventStream>
  /** Adds an event to the fold. Throws if it reports an error, or is not part of a response. */
  apply(
    event: SseEvent,
    stream: EventStream,
    connection: Connection,
  ): readonly (ModelDelta | ModelInputDelta | ModelProgress)[]
  /** Classifies an error. `begun` is true if a valid part of the response came before it. */
  toFailure(error: unknown, connection: Connection, begun: boolean): ModelFailure
}

/**
 * Maximum milliseconds to wait for the usage of a response that has ended, if the service neither reports the end nor
 * closes the connection.
 */
const longestWaitForCountMs = 2_000

/** Makes one call, from its request to its last event. */
export async function* streamAnswer<Connection>(
  connected: () => Promise<Connection>,
  call: Call<Connection>,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const { fold, request } = call
  const { model, toolInputDeltas = false } = request
  const connection = await connected()
  if (signal.aborted) return
  const linked = linkSignal(signal)
  const events = new ReadEvents()
  let timer: NodeJS.Timeout | undefined
  let begun = false
  try {
    const stream = await call.open(connection, linked.signal)
    for await (const batch of readSseBatches(stream.reader, () => fold.complete)) {
      let shown = false
      for (const event of batch) {
        const deltas = call.apply(event, stream, connection)
        begun = true
        for (const delta of deltas) {
          shown ||= delta.type !== "toolInputDelta"
          if (delta.type !== "toolInputDelta" || toolInputDeltas) events.add(delta)
        }
        if (fold.complete) break
      }
      for (const event of events.take()) {
        yield event
        if (signal.aborted) return
      }
      if (fold.complete) {
        yield fold.end(model)
        return
      }
      // This is a ping, a comment, or content without text.
      if (!shown || fold.advanced) yield fold.progress()
      if (fold.ended) timer ??= setTimeout(linked.abort, longestWaitForCountMs)
      else {
        clearTimeout(timer)
        timer = undefined
      }
    }
    if (signal.aborted) return
    if (fold.whole) yield fold.end(model)
    else {
      yield fold.progress()
      yield createModelFailure("upstream_cut", { detail: "The stream ended early." })
    }
  } catch (error) {
    if (signal.aborted) return
    // Events before it count. A response that starts with an error has none.
    for (const event of events.take()) yield event
    if (begun) yield fold.progress()
    // The connection broke, or the wait was long enough, when only the usage could follow.
    yield fold.whole ? fold.end(model) : call.toFailure(error, connection, begun)
  } finally {
    clearTimeout(timer)
    linked.release()
  }
}

import type {
  ModelDelta,
  ModelEnd,
  ModelEvent,
  ModelInputDelta,
  ModelProgress,
  ModelRequest,
} from "../../../core/ports/model/provider.ts"
import { createModelFailure } from "../model-failure.ts"
import { parseObject } from "../tool-calls/call-input.ts"
import type { BodyReader } from "../transport/body-reader.ts"
import { createCallBody } from "../transport/call-body.ts"
import { linkSignal } from "../transport/linked-signal.ts"
import { openEventStream } from "../transport/open-event-stream.ts"
import { ReadEvents } from "../transport/read-events.ts"
import { readSseBatches } from "../transport/sse-events.ts"
import type { Connection } from "./connection.ts"
import { toFailure } from "./failure.ts"
import { ServiceError } from "./service-error.ts"

/** Folds the events of one response into deltas and, when it is whole, the end. */
export interface AnswerFold {
  /** If true, the service has reported that nothing follows. */
  readonly complete: boolean
  /** If true, the response is whole even if nothing follows. */
  readonly whole: boolean
  /** If true, only the usage may follow, which is not worth a long wait. */
  readonly ended: boolean
  /** Returns the deltas of an event's data. Throws if the data reports an error, or is not part of a response. */
  apply(data: string): readonly (ModelDelta | ModelInputDelta)[]
  /** If true, content without text has arrived since the last `progress`. */
  readonly advanced: boolean
  /** Returns the progress that was not shown yet. */
  progress(): ModelProgress
  end(requestedModel: string): ModelEnd
}

/**
 * Maximum milliseconds to wait for the usage of a response that has ended, if the service neither reports the end nor
 * closes the connection.
 */
const longestWaitForCountMs = 2_000

export interface Call {
  readonly request: ModelRequest
  /** Returns the content of the HTTP request. */
  createContent(): object
  readonly fold: AnswerFold
}

/** Makes one call, from its request to its last event. */
export async function* streamAnswer(
  connected: () => Promise<Connection>,
  call: Call,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const connection = await connected()
  if (signal.aborted) return
  const linked = linkSignal(signal)
  const state = { begun: false }
  try {
    yield* read(await open(connection, call, linked.signal), call, { stop: linked.abort, state })
  } catch (error) {
    if (signal.aborted) return
    // The connection broke, or the wait was long enough, when only the usage could follow.
    yield call.fold.whole ? call.fold.end(call.request.model) : toFailure(error, connection, state.begun)
  } finally {
    linked.release()
  }
}

async function open(
  { endpoint, timeoutMs, sdk }: Connection,
  { createContent, request: { traceparent } }: Call,
  signal: AbortSignal,
): Promise<BodyReader> {
  const body = await createCallBody(createContent(), signal)
  const { reader } = await openEventStream(endpoint, { body, traceparent, signal, timeoutMs }, sdk)
  return reader
}

interface Reading {
  /** Called if only the usage is missing and does not arrive in time. */
  readonly stop: () => void
  /** `begun` is true once a valid part of a response has been read. */
  readonly state: { begun: boolean }
}

async function* read(
  reader: BodyReader,
  { fold, request: { model, toolInputDeltas = false } }: Call,
  { stop, state }: Reading,
): AsyncGenerator<ModelEvent, void, undefined> {
  let timer: NodeJS.Timeout | undefined
  const events = new ReadEvents()
  try {
    for await (const batch of readSseBatches(reader, () => fold.complete)) {
      let shown = false
      for (const event of batch) {
        if (event.event === "error") throw new ServiceError(readError(event.data))
        const deltas = fold.apply(event.data)
        state.begun = true
        for (const delta of deltas) {
          shown ||= delta.type !== "toolInputDelta"
          if (delta.type !== "toolInputDelta" || toolInputDeltas) events.add(delta)
        }
        if (fold.complete) break
      }
      for (const event of events.take()) yield event
      if (fold.complete) {
        yield fold.end(model)
        return
      }
      // This is a ping, a comment, or content without text.
      if (!shown || fold.advanced) yield fold.progress()
      if (!fold.ended) {
        clearTimeout(timer)
        timer = undefined
      } else timer ??= setTimeout(stop, longestWaitForCountMs)
    }
  } catch (error) {
    // Events before it count. A response that starts with an error has none.
    for (const event of events.take()) yield event
    if (state.begun) yield fold.progress()
    throw error
  } finally {
    clearTimeout(timer)
  }
  if (fold.whole) yield fold.end(model)
  else {
    yield fold.progress()
    yield createModelFailure("upstream_cut", { detail: "The stream ended early." })
  }
}

/** Returns the error in the data, which usually is an object that contains it. */
function readError(data: string): unknown {
  const said = parseObject(data)
  return said?.error ?? said ?? data
}

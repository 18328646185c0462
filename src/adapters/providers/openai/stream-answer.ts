import type {
  ModelCallOptions,
  ModelDelta,
  ModelEvent,
  ModelInputDelta,
  ModelRequest,
} from "../../../core/ports/model/provider.ts"
import { parseObject } from "../tool-calls/call-input.ts"
import { openEventStream } from "../transport/open-event-stream.ts"
import { type AnswerFold, streamAnswer } from "../transport/stream-answer.ts"
import type { Connection } from "./connection.ts"
import { toFailure } from "./failure.ts"
import { ServiceError } from "./service-error.ts"

export interface OpenAiFold extends AnswerFold {
  /** Returns the deltas of an event's data. Throws if the data reports an error, or is not part of a response. */
  apply(data: string): readonly (ModelDelta | ModelInputDelta)[]
}

export interface OpenAiCall {
  readonly request: ModelRequest
  /** Returns the content of the HTTP request. */
  createContent(): object
  readonly fold: OpenAiFold
}

/** Makes one call, from its request to its last event. */
export function streamOpenAiAnswer(
  connected: () => Promise<Connection>,
  { request, createContent, fold }: OpenAiCall,
  { signal, record }: ModelCallOptions,
): AsyncGenerator<ModelEvent, void, undefined> {
  const call = {
    request,
    fold,
    async open({ endpoint, timeoutMs, sdk }: Connection, stop: AbortSignal) {
      const { traceparent } = request
      const content = createContent()
      return openEventStream(endpoint, { content, traceparent, signal: stop, timeoutMs, record }, sdk)
    },
    apply({ event, data }: { readonly event: string; readonly data: string }) {
      if (event === "error") throw new ServiceError(readError(data))
      return fold.apply(data)
    },
    toFailure,
  }
  return streamAnswer(connected, call, signal)
}

/** Returns the error in the data, which usually is an object that contains it. */
function readError(data: string): unknown {
  const said = parseObject(data)
  return said?.error ?? said ?? data
}

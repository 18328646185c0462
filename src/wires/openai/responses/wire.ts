import { eventStreamType } from "../../../http/streams/server-sent-events.ts"
import type { Folded, Frame, StreamEnd, Wire } from "../../../http/streams/wire.ts"
import { continueAfter } from "../frames.ts"
import { foldResponse, parkResponse } from "./fold.ts"
import { isSameResponse, type ResponseState, startResponse } from "./state.ts"

/** The events of one response of the Responses API. Every stream has its own first state, with the response's id. */
export const responsesWire: Wire<ResponseState> = {
  name: "openai responses",
  contentType: eventStreamType,
  replayFrom: "run",
  endsWhenParked: true,
  start: () => startResponse({ sessionId: "", runId: "", segment: null, isStored: true }),
  isSame: isSameResponse,
  fold: foldResponse,
  end: endResponse,
  // Clients continue after the number of an event, and not after a cursor.
  write: (frame) => frame,
  heartbeat: () => ": heartbeat\n\n",
  queued: () => [],
  failure: () => [failureFrame],
  subAgents: null,
}

function endResponse(state: ResponseState, end: StreamEnd): readonly Frame[] {
  return end.type === "parked" ? parkResponse(state, end.waits)[1] : []
}

const failureFrame: Frame = `event: error\ndata: ${JSON.stringify({
  type: "error",
  code: "internal_error",
  message: "A part of the response could not be shown. Retrieve the response again.",
  param: null,
  sequence_number: 0,
})}\n\n`

/** Returns the wire of a subscriber that has the events up to this number. */
export function responsesWireAfter(number: number): Wire<ResponseState> {
  const select = (frames: readonly Frame[]) => frames.flatMap((frame) => continueAfter(frame, number) ?? [])
  return {
    ...responsesWire,
    fold(state, entry): Folded<ResponseState> {
      const [next, frames] = foldResponse(state, entry)
      return [next, select(frames)]
    },
    end: (state, end) => select(endResponse(state, end)),
  }
}

import { eventStreamType } from "../../../http/streams/server-sent-events.ts"
import type { SubAgentWire, Wire } from "../../../http/streams/wire.ts"
import { describeOwn, describeProgress } from "./event-frames.ts"
import { foldEntry, formatFrame } from "./fold-entry.ts"
import { describeEnd } from "./run-end.ts"
import { wireName } from "./segment.ts"
import { type AgUiState, isSameState, startState } from "./state.ts"

/**
 * The events of AG-UI 1.0 (https://docs.ag-ui.com). The route gives each stream its first state, because the events
 * name the client's own ids of the conversation and the run.
 *
 * Frames are whole server-sent events, because each of them has an id of its own.
 */
export const agUiWire: Wire<AgUiState> = {
  name: wireName,
  contentType: eventStreamType,
  replayFrom: "run",
  endsWhenParked: true,
  start: (afterSeq) =>
    startState({
      ...{ threadId: "", runId: "", from: afterSeq, isWhole: true, isAuthor: false, hasSteered: false },
      ...{ isContinued: false, isFormer: false, received: null, subAgentId: null },
    }),
  isSame: isSameState,
  fold: foldEntry,
  end(state, end, subAgents) {
    if (state.phase === "over") return []
    const frames = describeEnd(state, end, subAgents).map((body, index) =>
      formatFrame(`${state.seq}+${index + 1}`, body),
    )
    const { received } = state.viewer
    return received?.seq === state.seq ? frames.slice(received.atEnd) : frames
  },
  write: (frame) => frame,
  heartbeat: () => ": heartbeat\n\n",
  queued: (_runId, position) => [formatFrame(null, describeOwn("run_queued", { position }, {}))],
  failure: () => [formatFrame(null, describeFailure({}))],
  subAgents: createSubAgentWire(),
}

function createSubAgentWire(): SubAgentWire<AgUiState> {
  return {
    start(subAgent, { viewer }) {
      const {
        sessionId: subAgentId,
        name,
        toolCallId,
        parentSessionId,
        isDirect,
        isNew,
        taskId,
        afterSeq,
      } = subAgent
      // The client has what it was sent of a sub-agent that had started before.
      const isKnown = (viewer.isAuthor || viewer.isContinued) && !isNew
      const own = startState({ ...viewer, subAgentId, from: afterSeq, received: null })
      const state: AgUiState = isKnown ? own : { ...own, phase: "shown" }
      if (taskId !== null) return [{ ...state, phase: "over" }, []]
      const body = JSON.stringify({
        ...{ type: "SUBAGENT_STARTED", subagentRunId: subAgentId, name, parentToolCallId: toolCallId },
        ...(!isDirect && { parentSubagentRunId: parentSessionId }),
      })
      // A stream that continues after a cursor is the continuation of one that has shown the start.
      return [state, isKnown && viewer.isContinued ? [] : [formatFrame(null, body)]]
    },
    fold: (_subAgent, state, entry) => foldEntry(state, entry),
    progress: (progress) => [formatFrame(null, describeProgress(progress))],
    failure: ({ sessionId }) => [formatFrame(null, describeFailure({ subagentRunId: sessionId }))],
  }
}

function describeFailure(owner: { readonly subagentRunId?: string }): string {
  return describeOwn("stream_error", { message: "An event could not be shown." }, owner)
}

import { type Event, isTerminal } from "../../../core/log/entries.ts"
import type { AgUiState } from "./state.ts"

/** Name of the wire in the segments that the log has. */
export const wireName = "ag-ui"

/** Returns the state in the segment if it starts with this entry. `event` is null for a delta. */
export function enterSegment(state: AgUiState, seq: number, event: Event | null): AgUiState {
  return isStart(state, seq, event) ? startSegment(state) : state
}

/** Returns the state at the start of the segment, in which nothing of it was shown. */
export function startSegment(state: AgUiState): AgUiState {
  const { facts } = state
  return { ...state, phase: "shown", facts: { ...facts, step: null, answered: [], usage: [] } }
}

function isStart({ viewer, phase, facts }: AgUiState, seq: number, event: Event | null): boolean {
  if (viewer.isContinued && event !== null && segmentOf(event) === viewer.runId) {
    // A client that answered with the id of the run that asked has received each part as a run of its own.
    return phase === "before" || (viewer.received !== null && facts.step !== null)
  }
  if (phase !== "before") return false
  if (viewer.subAgentId === null) return seq > viewer.from
  // A sub-agent that the client has seen is shown from its last turn, and continues with what follows that turn's wait.
  const isTurn = event?.type === "stepStarted" && seq > viewer.from + 1
  return isTurn || event?.type === "waitResolved" || (event !== null && isTerminal(event))
}

/** Returns true if the event starts another segment than that of the viewer. */
export function endsSegment({ viewer, phase }: AgUiState, event: Event): boolean {
  if (phase !== "shown" || viewer.isWhole || viewer.subAgentId !== null) return false
  const segment = segmentOf(event)
  return segment !== null && segment !== viewer.runId
}

/** Returns the client's id of the run that starts with the event. Null if none does. */
function segmentOf(event: Event): string | null {
  const segment = event.type === "waitResolved" ? event.segment : undefined
  return segment?.wire === wireName ? segment.id : null
}

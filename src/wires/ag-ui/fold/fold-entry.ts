import type { DeltaEntry, EventEntry, LiveEntry } from "../../../core/log/entries.ts"
import type { Folded, Frame } from "../../../http/streams/wire.ts"
import { formatCursor, type MessagePlace } from "../cursor.ts"
import { describeData, describeOwn } from "./event-frames.ts"
import { foldEvent } from "./fold-event.ts"
import {
  type Attribution,
  createPartEnd,
  createPartStart,
  createTextEvent,
  markPart,
  openPart,
} from "./message-parts.ts"
import { enterSegment } from "./segment.ts"
import type { AgUiState } from "./state.ts"

const nothing: readonly Frame[] = []

/** Folds an entry of the session, or of a sub-agent if the viewer of the state has one. */
export function foldEntry(state: AgUiState, entry: LiveEntry): Folded<AgUiState> {
  switch (entry.kind) {
    case "delta":
      return foldDelta(state, entry)
    case "event":
      return writeEvent(state, entry)
    case "transient":
      return [state, write(state, entry.seq, [describeData(entry.data, ownerOf(state))])]
    case "status": {
      const body = describeOwn("status", { message: entry.message }, ownerOf(state))
      return [state, state.phase === "shown" ? [formatFrame(null, body)] : nothing]
    }
    default:
      return entry satisfies never
  }
}

/** This is the hot path: it runs once for each token, however many subscribers there are. */
function foldDelta(state: AgUiState, entry: DeltaEntry): Folded<AgUiState> {
  const { delta, seq } = entry
  if (delta.type === "toolInput") return [state, nothing]
  if (delta.type === "toolOutput") {
    const { toolCallId, stream, text } = delta
    const body = describeOwn("tool_output", { toolCallId, stream, text }, ownerOf(state))
    return [state, write(state, seq, [body])]
  }
  if (delta.text === "") return [state, nothing]
  const { part } = state
  const isOpen = part !== null && part.index === delta.part && state.phase === "shown"
  if (!isOpen || state.viewer.received !== null) return foldText(enterSegment(state, seq, null), entry)
  const characters = state.characters + delta.text.length
  const { viewer, phase, facts } = state
  const id = viewer.subAgentId === null ? `${seq}.${characters}${part.kind}${part.index}` : null
  return [
    { viewer, phase, seq, part, characters, facts },
    [formatFrame(id, createTextEvent(part, delta.text))],
  ]
}

function foldText(state: AgUiState, { delta, seq }: DeltaEntry): Folded<AgUiState> {
  if (delta.type !== "textDelta" && delta.type !== "thinkingDelta") return [state, nothing]
  const owner = ownerOf(state)
  const characters = state.characters + delta.text.length
  const { part: before, facts } = state
  if (before?.index === delta.part) {
    const next = { ...state, seq, characters }
    return [next, write(next, seq, [createTextEvent(before, delta.text)], state)]
  }
  const type = delta.type === "textDelta" ? "text" : "thinking"
  const mark = markPart({ type, index: delta.part }, !facts.hasText)
  const part = openPart(facts.messageId, mark, owner)
  const next = {
    ...{ ...state, seq, part, characters },
    facts: { ...facts, hasText: facts.hasText || type === "text" },
  }
  const bodies = [
    ...createPartEnd(before, owner),
    ...createPartStart(part, owner),
    createTextEvent(part, delta.text),
  ]
  return [next, write(next, seq, bodies, state)]
}

function writeEvent(before: AgUiState, entry: EventEntry): Folded<AgUiState> {
  const { seq, event } = entry
  const state = restoreMessage(enterSegment(before, seq, event), seq)
  const { next, bodies } = foldEvent(state, entry)
  const after = { ...next, seq }
  // A segment ends with its last frames, although nothing of it is shown any more.
  const isShown = state.phase === "shown"
  return [leaveCursor(after), isShown ? write({ ...after, phase: "shown" }, seq, bodies, state) : nothing]
}

/** Returns the state with the part of a message that the client has received, if its deltas are gone. */
function restoreMessage(state: AgUiState, seq: number): AgUiState {
  const { viewer, facts } = state
  const { received } = viewer
  if (received === null || received.part === null || received.characters <= state.characters) return state
  if (seq < received.seq) return state
  const part = openPart(facts.messageId, received.part, ownerOf(state))
  const hasText = facts.hasText || part.kind === "m"
  return { ...state, part, characters: received.characters, facts: { ...facts, hasText } }
}

/** Forgets the client's cursor once it is behind, so that the subscriber shares renderings with others. */
function leaveCursor(state: AgUiState): AgUiState {
  const { viewer } = state
  const { received } = viewer
  if (received === null || state.seq < received.seq) return state
  if (received.atEnd > 0 && state.seq === received.seq) return state
  return { ...state, viewer: { ...viewer, received: null } }
}

/** Writes the events of an entry that the client has not received. `before` is its place in the message before. */
function write(
  state: AgUiState,
  seq: number,
  bodies: readonly string[],
  before: MessagePlace = state,
): readonly Frame[] {
  const { viewer, phase } = state
  if (phase !== "shown") return nothing
  if (viewer.subAgentId !== null) return bodies.map((body) => formatFrame(null, body))
  const last = bodies.length - 1
  const frames = bodies.map((body, index) => {
    const id = index === last ? formatCursor(seq, null, state) : formatCursor(seq, index + 1, before)
    return formatFrame(id, body)
  })
  const { received } = viewer
  return received?.seq === seq && received.frames !== null ? frames.slice(received.frames) : frames
}

export function formatFrame(id: string | null, body: string): Frame {
  return id === null ? `data: ${body}\n\n` : `id: ${id}\ndata: ${body}\n\n`
}

function ownerOf({ viewer }: AgUiState): Attribution {
  return viewer.subAgentId === null ? {} : { subagentRunId: viewer.subAgentId }
}

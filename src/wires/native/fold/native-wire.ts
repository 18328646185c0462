import type { AssistantMessage } from "../../../core/history/messages.ts"
import type { Delta } from "../../../core/log/deltas.ts"
import type { EventEntry, LiveEntry, MessageCompleted } from "../../../core/log/entries.ts"
import { eventStreamType, formatServerSentEvent } from "../../../http/streams/server-sent-events.ts"
import type { Folded, Frame, Wire } from "../../../http/streams/wire.ts"
import {
  createDataFrame,
  createErrorFrame,
  createEventFrames,
  createFrame,
  failureFrame,
} from "./event-frames.ts"
import { createSubAgentWire } from "./sub-agent-wire.ts"

/**
 * The number of characters of the streamed message that the subscriber has received. Or `after:SEQ`, the cursor of a
 * subscriber that has received nothing yet, because a message whose deltas are gone needs that cursor.
 */
type NativeState = number | `after:${number}`

type Step = Folded<NativeState>

const nothing: readonly Frame[] = []

/** The gateway's own events, as docs/http-api.md specifies them. */
export const nativeWire: Wire<NativeState> = {
  name: "native",
  contentType: eventStreamType,
  replayFrom: "step",
  endsWhenParked: false,
  start: startAfter,
  fold: foldEntry,
  // The terminal event is the last one.
  end: () => nothing,
  isSame: (one, other) => one === other,
  write: formatServerSentEvent,
  heartbeat: (now) => formatServerSentEvent(createFrame({ type: "heartbeat", timestamp: now / 1000 }), null),
  queued: (runId, position) => [createFrame({ type: "run_queued", run_id: runId, position })],
  failure: () => [failureFrame],
  subAgents: createSubAgentWire(foldEntry, { start: startAfter, providerErrors: false }),
}

/** The same events for subscribers who requested the arguments of calls while the model writes them. */
const nativeWireWithToolInput: Wire<NativeState> = {
  ...nativeWire,
  name: "native with tool input",
  fold: foldEntryWithToolInput,
  subAgents: createSubAgentWire(foldEntryWithToolInput, { start: startAfter, providerErrors: false }),
}

/** Each wire, also for subscribers who see the messages of providers. */
const wires = [nativeWire, nativeWireWithToolInput].map((wire) => ({
  plain: wire,
  withProviderErrors: addProviderErrors(wire),
}))

export interface NativeWireOptions {
  readonly toolInput?: boolean | undefined
  /** If true, the end of a failed run has the provider's own message. Default false. */
  readonly providerErrors?: boolean | undefined
}

/** Returns the wire of a stream. There are only four, so that streams share their renderings. */
export function chooseNativeWire({
  toolInput = false,
  providerErrors = false,
}: NativeWireOptions): Wire<NativeState> {
  const chosen = wires[toolInput ? 1 : 0]
  return (providerErrors ? chosen?.withProviderErrors : chosen?.plain) ?? nativeWire
}

function addProviderErrors(wire: Wire<NativeState>): Wire<NativeState> {
  return {
    ...wire,
    name: `${wire.name} with provider errors`,
    fold(state, entry) {
      if (entry.kind !== "event" || entry.event.type !== "runFailed") return wire.fold(state, entry)
      return [discardStreamed(state), [createErrorFrame(entry.event, { providerErrors: true })]]
    },
    subAgents: createSubAgentWire(wire.fold, { start: startAfter, providerErrors: true }),
  }
}

function startAfter(afterSeq: number): NativeState {
  return afterSeq === 0 ? 0 : `after:${afterSeq}`
}

function foldEntry(state: NativeState, entry: LiveEntry): Step {
  switch (entry.kind) {
    case "delta":
      return foldDelta(state, entry.delta)
    case "event":
      return foldEvent(state, entry)
    case "transient":
      return [state, [createDataFrame(entry.data, { runId: entry.runId, isTransient: true })]]
    case "status":
      return [state, [createFrame({ type: "status", run_id: entry.runId, message: entry.message })]]
    default:
      return entry satisfies never
  }
}

function foldEntryWithToolInput(state: NativeState, entry: LiveEntry): Step {
  if (entry.kind !== "delta" || entry.delta.type !== "toolInput") return foldEntry(state, entry)
  const { toolCallId: tool_call_id, toolName: tool_name, text } = entry.delta
  return [state, [createFrame({ type: "tool_input_delta", tool_call_id, tool_name, text })]]
}

/** This is the hot path: it runs once for each token, however many subscribers there are. */
function foldDelta(state: NativeState, delta: Delta): Step {
  switch (delta.type) {
    case "textDelta":
      return [countSeen(state) + delta.text.length, [createTextFrame(delta.text)]]
    case "thinkingDelta":
      return [countSeen(state) + delta.text.length, [renderThinking(delta.text)]]
    case "toolInput":
      return [state, nothing]
    case "toolOutput":
      return [
        state,
        [
          createFrame({
            type: "tool_output_chunk",
            tool_call_id: delta.toolCallId,
            tool_name: delta.toolName,
            stream: delta.stream,
            text: delta.text,
            seq: delta.chunk,
          }),
        ],
      ]
    default:
      return delta satisfies never
  }
}

function foldEvent(state: NativeState, { event, runId, seq }: EventEntry): Step {
  switch (event.type) {
    case "dataEmitted":
      return [state, [createDataFrame(event, { runId, isTransient: false })]]
    case "messageCompleted":
      return [0, renderMessage(state, event, seq)]
    case "stepStarted":
      return [discardStreamed(state), nothing]
    case "stepRetried":
      return [discardStreamed(state), [retryFrame(event.attempt, event.error.message)]]
    case "runCompleted":
    case "runFailed":
      return [discardStreamed(state), createEventFrames(event)]
    default:
      return [state, createEventFrames(event)]
  }
}

/**
 * Returns the frames of a message. Its deltas are dropped some time after it is durable (rule 6), and then the event
 * supplies the text. A subscriber that received part of it, in this stream or before its cursor, first receives the
 * request to discard that part.
 */
function renderMessage(
  state: NativeState,
  { message, streamedFrom }: MessageCompleted,
  seq: number,
): readonly Frame[] {
  if (streamedFrom === null) return createWholeText(message)
  if (countSeen(state) >= computeLength(message)) return nothing
  const cursor = typeof state === "string" ? Number(state.slice("after:".length)) : 0
  const hasPart = countSeen(state) > 0 || (cursor >= streamedFrom && cursor < seq)
  return hasPart
    ? [retryFrame(1, "The text is sent again from its start."), ...createWholeText(message)]
    : createWholeText(message)
}

function createWholeText({ content }: AssistantMessage): readonly Frame[] {
  return content.flatMap((part) => {
    if (part.type === "text") return part.text === "" ? [] : [createTextFrame(part.text)]
    if (part.type === "thinking") return part.text === "" ? [] : [renderThinking(part.text)]
    return []
  })
}

function computeLength({ content }: AssistantMessage): number {
  return content.reduce((length, part) => {
    return part.type === "text" || part.type === "thinking" ? length + part.text.length : length
  }, 0)
}

function createTextFrame(text: string): Frame {
  return `{"type":"text_delta","text":${JSON.stringify(text)}}`
}

function renderThinking(text: string): Frame {
  return `{"type":"thinking_delta","text":${JSON.stringify(text)}}`
}

function retryFrame(attempt: number, error: string): Frame {
  return createFrame({ type: "stream_retry", attempt, error })
}

function countSeen(state: NativeState): number {
  return typeof state === "number" ? state : 0
}

/**
 * Returns the state after streamed text that was discarded or is complete. A subscriber's cursor stays valid, because
 * it precedes everything that follows.
 */
function discardStreamed(state: NativeState): NativeState {
  return typeof state === "number" ? 0 : state
}

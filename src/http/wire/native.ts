import type { AssistantMessage } from "../../core/history/messages.ts"
import type { Delta } from "../../core/log/deltas.ts"
import type {
  AppData,
  Decider,
  Event,
  EventEntry,
  InterceptorDecided,
  MessageCompleted,
  WaitOpened,
  WaitResolved,
} from "../../core/log/entries.ts"
import type { ChatEvent } from "../schemas/events.ts"
import {
  roundDollars,
  toUnixSeconds,
  toWireContent,
  toWireQuestion,
  toWireToolOutcome,
  toWireUsage,
} from "./content.ts"
import { eventStreamType, formatServerSentEvent } from "./server-sent-events.ts"
import { createTaskCompletedEvent, createTaskProgressEvent, createTaskRegisteredEvent } from "./tasks.ts"
import type { Frame, Wire } from "./wire.ts"

/**
 * The number of characters of the streamed message that the subscriber has received. Or `after:SEQ`, the cursor of a
 * subscriber that has received nothing yet, because a message whose deltas are gone needs that cursor.
 */
type NativeState = number | `after:${number}`

type Step = readonly [NativeState, readonly Frame[]]

const nothing: readonly Frame[] = []

/** The gateway's own events, as docs/http-api.md specifies them. */
export const nativeWire: Wire<NativeState> = {
  name: "native",
  contentType: eventStreamType,
  replayFrom: "step",
  start: (afterSeq) => (afterSeq === 0 ? 0 : `after:${afterSeq}`),
  fold: (state, entry) => {
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
  },
  write: formatServerSentEvent,
  heartbeat: (now) => formatServerSentEvent(createFrame({ type: "heartbeat", timestamp: now / 1000 }), null),
  queued: (runId, position) => createFrame({ type: "run_queued", run_id: runId, position }),
  subAgentStart: ({ sessionId, agent, toolCallId, parentSessionId, isDirect, taskId, turn }) =>
    createFrame({
      type: "sub_agent_start",
      sub_agent_id: sessionId,
      agent_name: agent,
      tool_call_id: toolCallId,
      parent_sub_agent_id: isDirect ? null : parentSessionId,
      turn,
      ...(taskId !== null && { task_id: taskId }),
    }),
  taskProgress: (progress) => createFrame(createTaskProgressEvent(progress)),
  ofSubAgent: (text, subAgentId) => `${text.slice(0, -1)},"sub_agent_id":${JSON.stringify(subAgentId)}}`,
  failure: () => createFrame({ type: "stream_error", error: "An event could not be serialized." }),
}

/** The same events for subscribers who requested the arguments of calls while the model writes them. */
const nativeWireWithToolInput: Wire<NativeState> = {
  ...nativeWire,
  name: "native with tool input",
  fold(state, entry) {
    if (entry.kind !== "delta" || entry.delta.type !== "toolInput") return nativeWire.fold(state, entry)
    const { toolCallId: tool_call_id, toolName: tool_name, text } = entry.delta
    return [state, [createFrame({ type: "tool_input_delta", tool_call_id, tool_name, text })]]
  },
}

/** Returns the wire of a stream. There are only two, so that streams share their renderings. */
export function chooseNativeWire({
  toolInput = false,
}: {
  readonly toolInput?: boolean | undefined
}): Wire<NativeState> {
  return toolInput ? nativeWireWithToolInput : nativeWire
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

function createEventFrames(
  event: Exclude<Event, { type: "messageCompleted" | "stepStarted" | "stepRetried" | "dataEmitted" }>,
): readonly Frame[] {
  switch (event.type) {
    case "runStarted":
    case "historyReplaced":
    case "compactionStarted":
    case "compactionFailed":
    case "toolResultsShortened":
    case "toolCallStarted":
    case "modelCallFailed":
    case "outputRejected":
    case "runnerStateSaved":
    case "tasksCollected":
      return nothing
    case "historyCompacted":
      return [
        createFrame({
          type: "compaction",
          chars: event.summary.length,
          tokens_before: event.tokensBefore,
          tokens_after: event.tokensAfter,
        }),
      ]
    case "userMessageAdded":
      return [createFrame({ type: "user_message_added", content: event.content.map(toWireContent) })]
    case "runWithdrawn":
      return [createFrame({ type: "run_withdrawn", run_id: event.withdrawnRunId })]
    case "toolCallRequested":
      return [
        createFrame({
          type: "tool_call_start",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          tool_input: event.input,
          execution_location: event.executionLocation,
          call_index: event.callIndex,
        }),
      ]
    case "interceptorDecided":
      return [createFrame(createInterceptorDecision(event))]
    case "waitOpened":
      return renderOpened(event)
    case "waitResolved":
      return renderResolved(event)
    case "toolCallCompleted":
      return [
        createFrame({
          type: "tool_call_complete",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          ...toWireToolOutcome(event.result),
          duration_ms: event.durationMs,
          server: event.server,
          execution_location: event.executionLocation,
        }),
      ]
    case "toolCallInterrupted":
      return [
        createFrame({
          type: "tool_call_interrupted",
          tool_call_id: event.toolCallId,
          tool_name: event.name,
          reason: event.reason,
          outcome: event.outcome,
        }),
      ]
    case "taskRegistered":
      return [createFrame(createTaskRegisteredEvent(event))]
    case "taskEnded":
      return [createFrame(createTaskCompletedEvent(event))]
    case "stepCompleted":
      return [createFrame({ type: "turn_complete", turn: event.step, usage: toWireUsage(event) })]
    case "maxTurnsReached":
      return [
        createFrame({ type: "max_turns_reached", turn_count: event.turnCount, max_turns: event.maxTurns }),
      ]
    case "budgetExceeded":
      return [
        createFrame({
          type: "budget_exceeded",
          total_cost: roundDollars(event.totalCost),
          budget: event.budget,
        }),
      ]
    case "runCompleted":
      return [
        createFrame({
          type: "stream_complete",
          usage: toWireUsage(event),
          terminal_disposition: event.disposition,
          ...(event.reason === null ? {} : { reason: event.reason }),
        }),
      ]
    case "runFailed":
      return [createFrame({ type: "error", error: event.message, code: event.code })]
    default:
      return event satisfies never
  }
}

function createDataFrame(
  { toolCallId, name, value }: AppData,
  { runId, isTransient }: { readonly runId: string | null; readonly isTransient: boolean },
): Frame {
  const data = { tool_call_id: toolCallId, run_id: runId ?? "", name, value }
  return createFrame({ type: "data", ...data, ...(isTransient && { transient: true }) })
}

function createInterceptorDecision(event: InterceptorDecided): ChatEvent {
  return {
    type: "interceptor_decision",
    tool_call_id: event.toolCallId,
    tool_name: event.toolName,
    action: event.action,
    code: event.code,
    message: event.message,
  }
}

/** Returns the frames of an opened wait, for the kinds that a client can answer. */
function renderOpened(event: WaitOpened): readonly Frame[] {
  const { toolCallId: tool_call_id, toolName: tool_name, nonce, expiresAt } = event
  switch (event.kind) {
    case "approval":
      return [
        createFrame({
          type: "tool_approval_request",
          tool_call_id,
          nonce,
          expires_at: toUnixSeconds(expiresAt),
          tool_name,
          server: event.origin?.server ?? null,
          tool_input: event.payload.input,
          resolved_qualifier: event.payload.qualifier,
          reason: event.payload.reason,
        }),
      ]
    case "clientTool":
      return [
        createFrame({
          type: "tool_call_start",
          tool_call_id,
          tool_name,
          tool_input: event.payload.input,
          execution_location: "client",
          call_index: event.payload.callIndex,
          nonce,
        }),
      ]
    case "elicitation":
      return [
        createFrame({
          type: "elicitation_request",
          tool_call_id,
          nonce,
          expires_at: toUnixSeconds(expiresAt),
          tool_name,
          server: event.payload.server,
          ...toWireQuestion(event.payload.question),
        }),
      ]
    case "child":
    case "timer":
      return nothing
    default:
      return event satisfies never
  }
}

function renderResolved(event: WaitResolved): readonly Frame[] {
  const { toolCallId: tool_call_id } = event
  const decided_by = formatDecider(event.decidedBy)
  switch (event.kind) {
    case "approval": {
      const { approved, editedInput } = event.resolution
      const edited = editedInput !== null
      return [createFrame({ type: "approval_resolved", tool_call_id, approved, edited, decided_by })]
    }
    case "elicitation": {
      const { action } = event.resolution
      return [createFrame({ type: "elicitation_resolved", tool_call_id, action, decided_by })]
    }
    case "clientTool":
    case "child":
    case "timer":
      return nothing
    default:
      return event satisfies never
  }
}

function formatDecider(decider: Decider | null): string {
  return decider === null ? "expiry" : (decider.userId ?? decider.via)
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

function createFrame(event: ChatEvent): Frame {
  return JSON.stringify(event)
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

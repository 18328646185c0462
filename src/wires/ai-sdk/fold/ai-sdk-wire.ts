import type { EventEntry, LiveEntry, RunFailed } from "../../../core/log/entries.ts"
import { eventStreamType } from "../../../http/streams/server-sent-events.ts"
import type { Folded, Frame, StreamEnd, Wire } from "../../../http/streams/wire.ts"
import type { ParkedWait } from "../../../kernel/sessions/reading/view-end.ts"
import {
  createCompleted,
  createInterrupted,
  createOutput,
  createQuestion,
  foldInput,
  foldOpened,
  foldRequested,
  foldResolved,
} from "./calls.ts"
import { type ChatState, changeMessage, isSameChat, startChat, toMessageId } from "./chat-state.ts"
import {
  createChunk,
  createDataChunk,
  createEndMetadata,
  createNotice,
  createPart,
  nothing,
  toFinishReason,
} from "./chunks.ts"
import { createTaskChunks, subAgentChunks } from "./sub-agents.ts"
import { closeText, discardResponse, foldResponse, foldText } from "./text.ts"

type Step = Folded<ChatState>

/**
 * The UI message stream of AI SDK 7 (https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol). An event that the protocol
 * does not know is a `data-gateway-NAME` chunk, because an unknown type ends the client's stream.
 */
export const aiSdkWire: Wire<ChatState> = {
  name: "AI SDK UI",
  contentType: eventStreamType,
  replayFrom: "run",
  endsWhenParked: true,
  start: startChat,
  isSame: isSameChat,
  fold: (state, entry) => show(fold(state, entry), { before: state, entry }),
  end: createEnd,
  // The protocol has no cursor.
  write: (frame) => `data: ${frame}\n\n`,
  heartbeat: () => ": heartbeat\n\n",
  queued: (runId, position) => [createNotice("queued", { runId, position })],
  failure: () => [createNotice("status", { message: "An event could not be shown." })],
  subAgents: subAgentChunks,
}

/** Adds the start of the message to its first frames, and drops the frames outside it. */
function show(
  [state, frames]: Step,
  { before, entry }: { readonly before: ChatState; readonly entry: LiveEntry },
): Step {
  const { shows, phase, afterSeq } = before.message
  if (phase === "open") return [state, frames]
  if (phase === "left" || phase === "ended") return [before, nothing]
  if (entry.kind === "transient" || entry.kind === "status")
    return [state, shows === "steered" ? nothing : frames]
  const joins = entry.kind === "event" && entry.event.type === "userMessageAdded"
  if (entry.seq <= afterSeq || (shows === "steered" && !joins))
    return [changeMessage(state, { phase: "before" }), nothing]
  const shown = state.message.phase === "ended" ? "ended" : "open"
  return [changeMessage(state, { phase: shown, afterSeq: 0 }), [createStart(state), ...frames]]
}

function fold(state: ChatState, entry: LiveEntry): Step {
  switch (entry.kind) {
    case "delta":
      return foldDelta(state, entry.delta)
    case "event":
      return foldEvent(changeMessage(state, { seq: entry.seq }), entry)
    case "transient":
      return [
        state,
        [createChunk({ type: `data-${entry.data.name}`, data: entry.data.value, transient: true })],
      ]
    case "status":
      return [state, [createNotice("status", { message: entry.message })]]
    default:
      return entry satisfies never
  }
}

function foldDelta(state: ChatState, delta: Extract<LiveEntry, { kind: "delta" }>["delta"]): Step {
  switch (delta.type) {
    case "textDelta":
    case "thinkingDelta":
      return foldText(state, delta)
    case "toolInput":
      return foldInput(state, delta)
    case "toolOutput":
      return [state, createOutput(delta)]
    default:
      return delta satisfies never
  }
}

function foldEvent(state: ChatState, { event, runId, seq }: EventEntry): Step {
  switch (event.type) {
    case "runStarted":
      return [
        changeMessage(state, { runId: runId ?? "", streamsInput: event.toolInputDeltas === true }),
        nothing,
      ]
    case "userMessageAdded":
      return foldJoined(state)
    case "stepStarted":
      return [startStep(state), [createChunk({ type: "start-step" })]]
    case "stepRetried":
      return [discardResponse(state), [createChunk({ type: "reset-step" })]]
    case "messageCompleted":
      return foldResponse(state, event)
    case "stepCompleted":
      return [state, [createChunk({ type: "finish-step" })]]
    case "toolCallRequested":
      return foldRequested(state, event)
    case "waitOpened":
      return foldOpened(state, event, { asksClient: state.message.shows !== "resumed" })
    case "waitResolved":
      return foldResolved(state, event)
    case "toolCallCompleted":
      return [state, createCompleted(state, event)]
    case "toolCallInterrupted":
      return [state, createInterrupted(event)]
    case "dataEmitted":
      return [state, [createDataChunk(event, `source_${seq}`)]]
    case "taskRegistered":
    case "taskEnded":
    case "tasksCollected":
      return [state, createTaskChunks(event)]
    case "maxTurnsReached": {
      const { turnCount, summary = null } = event
      return [state, [createPart("limit", `limit_${seq}`, { limit: "max_turns", turnCount, summary })]]
    }
    case "budgetExceeded": {
      const { totalCost, budget } = event
      return [state, [createPart("limit", `limit_${seq}`, { limit: "budget", totalCost, budget })]]
    }
    case "runCompleted": {
      const [closed, ends] = closeText(state)
      const messageMetadata = createEndMetadata(state.message.runId, event)
      const finish = createChunk({ type: "finish", finishReason: toFinishReason(event), messageMetadata })
      return [changeMessage(closed, { phase: "ended" }), [...ends, finish]]
    }
    case "runFailed":
      return [changeMessage(state, { phase: "ended" }), createError(state, event)]
    case "historyReplaced":
    case "historyForked":
    case "compactionStarted":
    case "compactionFailed":
    case "historyCompacted":
    case "toolResultsShortened":
    case "runWithdrawn":
    case "modelCallFailed":
    case "interceptorDecided":
    case "toolCallStarted":
    case "outputRejected":
    case "runnerStateSaved":
      return [state, nothing]
    default:
      return event satisfies never
  }
}

/** Starts another message of the run. Those who show only one message show no more of the run. */
function foldJoined(state: ChatState): Step {
  const { shows, hasSteps, phase, number } = state.message
  if (!hasSteps) return [state, nothing]
  const next = changeMessage(state, { number: number + 1, hasSteps: false })
  if (phase !== "open") return [next, nothing]
  if (shows === "resumed") return [next, [createStart(next)]]
  return [changeMessage(next, { phase: "left" }), [createChunk({ type: "finish", finishReason: "stop" })]]
}

function startStep(state: ChatState): ChatState {
  const step = { hasSteps: true, closed: [], calls: new Map(), asked: [] }
  return { ...changeMessage(state, step), open: null, length: 0 }
}

/** A continuation keeps the id that the client's message has. */
function createStart({ message }: ChatState): Frame {
  if (message.shows === "continued") return createChunk({ type: "start" })
  const { runId } = message
  return createChunk({ type: "start", messageId: toMessageId(message), messageMetadata: { runId } })
}

/** Clients throw at an error, and read nothing after it. */
function createError({ message: { runId } }: ChatState, event: RunFailed): readonly Frame[] {
  const messageMetadata = createEndMetadata(runId, event)
  return [
    createChunk({ type: "message-metadata", messageMetadata }),
    createChunk({ type: "error", errorText: event.message }),
  ]
}

const done: Frame = "[DONE]"

function createEnd(state: ChatState, end: StreamEnd): readonly Frame[] {
  const { shows, phase } = state.message
  if (phase === "left" || phase === "ended") return [done]
  // The response has nothing to show. A client that sends automatically must not send again.
  const isEmpty = end.type === "complete" || (shows === "steered" && phase === "before")
  if (isEmpty) return [...createNoMessage(end), done]
  const start = phase === "before" ? [createStart(state)] : []
  return [...start, ...createOpenQuestions(state, end.waits), createParkedFinish(state), done]
}

function createNoMessage({ type }: StreamEnd): readonly Frame[] {
  const message = "The message joins the run after its open questions are answered."
  const notice = type === "parked" ? [createNotice("status", { message })] : []
  return [...notice, createChunk({ type: "finish", finishReason: "interrupted" })]
}

/** The client returns the metadata with its answers, so that the continuation starts where this stream ends. */
function createParkedFinish({ message: { runId, seq } }: ChatState): Frame {
  const messageMetadata = { runId, cursor: seq }
  return createChunk({ type: "finish", finishReason: "tool-calls", messageMetadata })
}

/**
 * Shows the waits that this stream has not shown. A client that has answered one of them is asked again. The approval
 * of a sub-agent is shown as one of the call that it works for, which has a place for one of them.
 */
function createOpenQuestions({ message }: ChatState, waits: readonly ParkedWait[]): readonly Frame[] {
  const shown = waits.filter(({ waitId }) => message.asked.includes(waitId))
  const busy = new Set(shown.map(({ rootToolCallId }) => rootToolCallId))
  return waits.flatMap((wait) => {
    const { kind, toolCallId, rootToolCallId } = wait
    if (shown.includes(wait)) return []
    if (kind !== "approval") return createQuestion(wait, toolCallId)
    if (busy.has(rootToolCallId)) return []
    busy.add(rootToolCallId)
    return createQuestion(wait, rootToolCallId)
  })
}

import type { ChatEvent } from "../wire/chat-event.ts"
import type { ChatView, ToolData, ToolOutput, ViewPart, ViewToolCall, ViewWait } from "./view.ts"
import { listCurrentParts, openRun, replaceParts } from "./view.ts"

type EventOf<Type> = Extract<ChatEvent, { type: Type }>

/** Applies the events of tool calls and waits. */
export function applyToolEvent(view: ChatView, event: ChatEvent): ChatView {
  switch (event.type) {
    case "tool_input_delta":
      return addInput(openRun(view), event)
    case "tool_call_start":
      return startCall(view, event)
    case "tool_approval_request": {
      const { type, ...request } = event
      return openWait(view, { kind: "approval", ...request })
    }
    case "elicitation_request": {
      const { type, ...request } = event
      return openWait(view, { kind: "question", ...request })
    }
    case "approval_resolved":
    case "elicitation_resolved":
      return change(closeWaits(view, event.tool_call_id), event.tool_call_id, { state: "running" })
    case "tool_output_chunk":
      return changeWith(view, event.tool_call_id, (call) => addOutput(call, event))
    case "data":
      return changeWith(view, event.tool_call_id, (call) => ({ ...call, data: addData(call.data, event) }))
    case "tool_call_complete":
      return completeCall(closeWaits(view, event.tool_call_id), event)
    case "tool_call_interrupted":
      return change(closeWaits(view, event.tool_call_id), event.tool_call_id, { state: "interrupted" })
    default:
      return view
  }
}

export function createCall(
  toolCallId: string,
  toolName: string,
  input: Readonly<Record<string, unknown>>,
): ViewToolCall {
  return {
    ...{ type: "tool", toolCallId, toolName, input, inputText: null, state: "running", output: [], data: [] },
    ...{ result: null, error: null, warning: null, durationMs: null, server: null, lastChunk: -1 },
  } as const
}

type Outcome = Pick<EventOf<"tool_call_complete">, "result" | "error" | "is_error" | "warning">

export function toOutcome({ result, error, is_error: isError, warning }: Outcome) {
  const unmarked = isError === true ? "failed" : "completed"
  const state: ViewToolCall["state"] = error === null ? unmarked : createFailure(error.code)
  return { result: result ?? null, error, warning: warning ?? null, state }
}

function createFailure(code: string): ViewToolCall["state"] {
  if (code === "interrupted") return "interrupted"
  return code === "denied" || code === "approval_expired" ? "denied" : "failed"
}

/** Shows a call that the model is still writing. It is discarded like text until it starts. */
function addInput(view: ChatView, { tool_call_id, tool_name, text }: EventOf<"tool_input_delta">): ChatView {
  if (!hasCall(view, tool_call_id)) {
    return addPart(view, { ...createCall(tool_call_id, tool_name, {}), state: "writing", inputText: text })
  }
  return changeWith(view, tool_call_id, (call) =>
    call.inputText === null ? call : { ...call, inputText: call.inputText + text },
  )
}

function setInput(call: ViewToolCall, input: ViewToolCall["input"]): ViewToolCall {
  return { ...call, input, inputText: null, state: call.state === "writing" ? "running" : call.state }
}

/**
 * Adds a call. It may be sent again: with a nonce when the client may execute it, and after a history that contains
 * it.
 */
function startCall(view: ChatView, event: EventOf<"tool_call_start">): ChatView {
  const { tool_call_id, tool_name, tool_input, nonce } = event
  const open = openRun(view)
  const started = hasCall(open, tool_call_id)
    ? changeWith(open, tool_call_id, (call) => setInput(call, tool_input))
    : addPart(open, createCall(tool_call_id, tool_name, tool_input))
  const kept = { ...started.kept, byFailure: listCurrentParts(started).length }
  if (nonce === undefined) return { ...started, kept }
  return openWait({ ...started, kept }, { kind: "clientTool", tool_call_id, nonce, tool_name, tool_input })
}

function completeCall(view: ChatView, event: EventOf<"tool_call_complete">): ChatView {
  const { tool_call_id, duration_ms: durationMs, server } = event
  return change(view, tool_call_id, { ...toOutcome(event), durationMs, server })
}

export function openWait(view: ChatView, wait: ViewWait): ChatView {
  const others = view.waits.filter(({ tool_call_id }) => tool_call_id !== wait.tool_call_id)
  const waiting = change({ ...view, waits: [...others, wait] }, wait.tool_call_id, { state: "waiting" })
  return { ...waiting, isRunning: true }
}

export function closeWaits(view: ChatView, toolCallId: string): ChatView {
  const waits = view.waits.filter(({ tool_call_id }) => tool_call_id !== toolCallId)
  return waits.length === view.waits.length ? view : { ...view, waits }
}

function addPart(view: ChatView, part: ViewPart): ChatView {
  return replaceParts(view, [...listCurrentParts(view), part])
}

function addOutput(call: ViewToolCall, { stream, text, seq }: EventOf<"tool_output_chunk">): ViewToolCall {
  // If the count restarts at 0, the call was executed again after a crash.
  if (seq !== 0 && seq <= call.lastChunk) return call
  const before: readonly ToolOutput[] = seq === 0 ? [] : call.output
  const last = before.at(-1)
  const output =
    last?.stream === stream
      ? [...before.slice(0, -1), { stream, text: last.text + text }]
      : [...before, { stream, text }]
  return { ...call, output, lastChunk: seq }
}

export function addData(
  data: readonly ToolData[],
  emitted: Pick<EventOf<"data">, "name" | "value" | "transient">,
): readonly ToolData[] {
  const { name, value } = emitted
  const transient = emitted.transient === true
  const others = transient ? data.filter((each) => !each.transient || each.name !== name) : data
  return [...others, { name, value, transient }]
}

function hasCall({ messages }: ChatView, toolCallId: string): boolean {
  return messages.some(({ parts }) => parts.some((part) => isCall(part, toolCallId)))
}

export function change(view: ChatView, toolCallId: string, changes: Partial<ViewToolCall>): ChatView {
  return changeWith(view, toolCallId, (call) => ({ ...call, ...changes }))
}

/** Replaces one call. A call is usually in the last message. */
export function changeWith(
  view: ChatView,
  toolCallId: string,
  replace: (call: ViewToolCall) => ViewToolCall,
): ChatView {
  const index = view.messages.findLastIndex(({ parts }) => parts.some((part) => isCall(part, toolCallId)))
  const message = view.messages[index]
  if (message === undefined) return view
  const parts = message.parts.map((part) => (isCall(part, toolCallId) ? replace(part) : part))
  return { ...view, messages: view.messages.with(index, { ...message, parts }) }
}

function isCall(part: ViewPart, toolCallId: string): part is ViewToolCall {
  return part.type === "tool" && part.toolCallId === toolCallId
}

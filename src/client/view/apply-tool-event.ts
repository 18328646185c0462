import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { ToolData, ToolOutput, ViewToolCall, ViewWait } from "./view.ts"
import { addParts, changeCall, hasCall, listCurrentParts, openRun, type ViewState } from "./view-state.ts"

/** Maximum entries of a call's output and of its data. The newest ones are kept. */
const maxEntries = 1_000

type EventOf<Type> = Extract<ChatEvent, { type: Type }>

/** Applies the events of tool calls and waits. */
export function applyToolEvent(state: ViewState, event: ChatEvent): ViewState {
  switch (event.type) {
    case "tool_input_delta":
      return addInput(openRun(state), event)
    case "tool_call_start":
      return startCall(state, event)
    case "tool_approval_request": {
      const { type, ...request } = event
      return openWait(state, { kind: "approval", ...request })
    }
    case "elicitation_request": {
      const { type, ...request } = event
      return openWait(state, { kind: "question", ...request })
    }
    case "approval_resolved":
    case "elicitation_resolved":
      return change(closeWaits(state, event.tool_call_id), event.tool_call_id, { state: "running" })
    case "tool_output_chunk":
      return changeCall(state, event.tool_call_id, (call) => addOutput(call, event))
    case "data":
      return changeCall(state, event.tool_call_id, (call) => ({ ...call, data: addData(call.data, event) }))
    case "tool_call_complete":
      return completeCall(closeWaits(state, event.tool_call_id), event)
    case "tool_call_interrupted":
      return change(closeWaits(state, event.tool_call_id), event.tool_call_id, { state: "interrupted" })
    default:
      return state
  }
}

export function createCall(
  tool_call_id: string,
  tool_name: string,
  tool_input: Readonly<Record<string, unknown>>,
): ViewToolCall {
  return {
    ...{
      type: "tool",
      tool_call_id,
      tool_name,
      tool_input,
      draft: null,
      state: "running",
      output: [],
      data: [],
    },
    ...{ result: null, error: null, warning: null, duration_ms: null, server: null, seq: -1 },
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
function addInput(
  state: ViewState,
  { tool_call_id, tool_name, text }: EventOf<"tool_input_delta">,
): ViewState {
  if (!hasCall(state, tool_call_id)) {
    const call = createCall(tool_call_id, tool_name, {})
    return addParts(state, [{ ...call, state: "writing", draft: text }])
  }
  return changeCall(state, tool_call_id, (call) =>
    call.draft === null ? call : { ...call, draft: call.draft + text },
  )
}

function setInput(call: ViewToolCall, tool_input: ViewToolCall["tool_input"]): ViewToolCall {
  return { ...call, tool_input, draft: null, state: call.state === "writing" ? "running" : call.state }
}

/**
 * Adds a call. It may be sent again: with a nonce when the client may execute it, and after a history that contains
 * it.
 */
function startCall(state: ViewState, event: EventOf<"tool_call_start">): ViewState {
  const { tool_call_id, tool_name, tool_input, nonce } = event
  const open = openRun(state)
  const started = hasCall(open, tool_call_id)
    ? changeCall(open, tool_call_id, (call) => setInput(call, tool_input))
    : addParts(open, [createCall(tool_call_id, tool_name, tool_input)])
  const kept = { ...started.kept, byFailure: listCurrentParts(started).length }
  if (nonce === undefined) return { ...started, kept }
  return openWait({ ...started, kept }, { kind: "clientTool", tool_call_id, nonce, tool_name, tool_input })
}

function completeCall(state: ViewState, event: EventOf<"tool_call_complete">): ViewState {
  const { tool_call_id, duration_ms, server } = event
  return change(state, tool_call_id, { ...toOutcome(event), duration_ms, server })
}

export function openWait(state: ViewState, wait: ViewWait): ViewState {
  const others = state.waits.filter(({ tool_call_id }) => tool_call_id !== wait.tool_call_id)
  const waiting = change({ ...state, waits: [...others, wait] }, wait.tool_call_id, { state: "waiting" })
  return { ...waiting, isRunning: true }
}

export function closeWaits(state: ViewState, toolCallId: string): ViewState {
  const waits = state.waits.filter(({ tool_call_id }) => tool_call_id !== toolCallId)
  return waits.length === state.waits.length ? state : { ...state, waits }
}

function addOutput(call: ViewToolCall, { stream, text, seq }: EventOf<"tool_output_chunk">): ViewToolCall {
  // If the count restarts at 0, the call was executed again after a crash.
  if (seq !== 0 && seq <= call.seq) return call
  const before: readonly ToolOutput[] = seq === 0 ? [] : call.output
  const last = before.at(-1)
  const output =
    last?.stream === stream
      ? before.with(-1, { stream, text: last.text + text })
      : [...before, { stream, text }].slice(-maxEntries)
  return { ...call, output, seq }
}

export function addData(
  data: readonly ToolData[],
  emitted: Pick<EventOf<"data">, "name" | "value" | "transient">,
): readonly ToolData[] {
  const { name, value } = emitted
  const transient = emitted.transient === true
  const former = transient ? data.findIndex((each) => each.transient && each.name === name) : -1
  const others = former === -1 ? data : data.toSpliced(former, 1)
  return [...others, { name, value, transient }].slice(-maxEntries)
}

export function change(state: ViewState, toolCallId: string, changes: Partial<ViewToolCall>): ViewState {
  return changeCall(state, toolCallId, (call) => ({ ...call, ...changes }))
}

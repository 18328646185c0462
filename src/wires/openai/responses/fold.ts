import type { JsonObject } from "../../../core/json/json.ts"
import type { Delta } from "../../../core/log/deltas.ts"
import type {
  Event,
  EventEntry,
  LiveEntry,
  RunCompleted,
  RunStarted,
  WaitOpened,
  WaitResolved,
} from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { Folded } from "../../../http/streams/wire.ts"
import { formatApprovalId, formatCallId, readSubAgentCall } from "../ids.ts"
import { describeResult, type McpCallItem } from "./items.ts"
import { OutputWriter } from "./output-writer.ts"
import { createResponse, type ResponseStatus } from "./response-object.ts"
import type { OpenCall, ResponseState } from "./state.ts"

/** Name of the wire in the segments of a run. */
export const segmentWire = "openai"

export function foldResponse(state: ResponseState, entry: LiveEntry): Folded<ResponseState> {
  if (entry.kind === "delta") {
    return state.phase === "open" ? foldDelta(state, entry.delta) : [state, []]
  }
  // A protocol without a place for them ignores application events and statuses.
  if (entry.kind !== "event") return [state, []]
  const fold = new Step(state)
  fold.take(entry)
  return [fold.state, fold.frames]
}

/** Ends a response that waits for a person or for the client. The waits are those of the run and its sub-agents. */
export function parkResponse(state: ResponseState, waits: readonly Wait[]): Folded<ResponseState> {
  if (state.phase !== "open") return [state, []]
  const fold = new Step(state)
  fold.park(waits)
  return [fold.state, fold.frames]
}

/** Returns the response as it is, for a client that does not stream it. Null before its start. */
export function showResponse(state: ResponseState): JsonObject | null {
  if (state.final !== null) return state.final
  return state.phase === "open" ? new Step(state).describe(null) : null
}

function foldDelta(state: ResponseState, delta: Delta): Folded<ResponseState> {
  if (delta.type !== "textDelta" && delta.type !== "thinkingDelta") return [state, []]
  const fold = new Step(state)
  fold.addText(delta.part, delta.type === "textDelta" ? "text" : "thinking", delta.text)
  return [fold.state, fold.frames]
}

/** Folds one entry. */
class Step extends OutputWriter {
  take({ event, runId, at }: EventEntry): void {
    // A session event is not part of any response.
    if (runId === null) return
    if (event.type === "runStarted") this.#begin(event, at)
    else if (event.type === "waitResolved") this.#resolve(event, at)
    if (this.state.phase === "open") this.change({ lastAt: toSeconds(at) })
    this.#follow(event)
    if (event.type === "waitOpened") this.#beginAtSubAgent(event, at)
  }

  #beginAtSubAgent({ toolCallId }: WaitOpened, at: number): void {
    const { phase, place } = this.state
    if (phase === "before" && readSubAgentCall(place.segment) === toolCallId) this.#open(at)
  }

  #begin(started: RunStarted, at: number): void {
    this.change({ started })
    if (this.state.place.segment === null) this.#open(at)
  }

  #resolve({ segment, kind }: WaitResolved, at: number): void {
    if (segment?.wire !== segmentWire || kind === "child" || kind === "timer") return
    const { place, phase } = this.state
    // Several answers start one segment.
    if (segment.id === place.segment) {
      if (phase === "before") this.#open(at)
    } else if (phase === "open") this.#end({ status: "completed" })
    else if (phase === "before") this.change({ previousSegment: segment.id })
  }

  #open(at: number): void {
    this.change({ phase: "open", createdAt: toSeconds(at), lastAt: toSeconds(at) })
    this.emit("response.created", { response: this.describe(null) })
    this.emit("response.in_progress", { response: this.describe(null) })
    this.startAttempt()
  }

  #follow(event: Event): void {
    const { phase } = this.state
    // The calls of the run belong to any segment.
    if (event.type === "toolCallRequested")
      this.#setCall(event.toolCallId, { requested: event, item: null, approvalId: null })
    if (phase === "over") return
    if (phase === "before") {
      if (event.type === "waitOpened" && event.kind === "approval") this.#setApproval(event)
      if (event.type === "toolCallCompleted" || event.type === "toolCallInterrupted")
        this.#dropCall(event.toolCallId)
      return
    }
    switch (event.type) {
      case "stepStarted":
        this.startAttempt()
        return
      case "stepRetried":
        this.retry(event)
        return
      case "modelCallFailed":
        this.spend(event.usage)
        return
      case "messageCompleted":
        this.complete(event)
        return
      case "waitOpened":
        this.#ask(event)
        return
      case "toolCallStarted":
        this.#startCall(event.toolCallId)
        return
      case "toolCallCompleted":
        this.#endCall(event.toolCallId, event.executionLocation === "client" ? null : event.result)
        return
      case "toolCallInterrupted":
        this.#endCall(
          event.toolCallId,
          this.state.calls.get(event.toolCallId)?.item === null ? null : interrupted,
        )
        return
      case "runCompleted":
        this.#end(describeCompletion(event))
        return
      case "runFailed":
        this.#end({ status: "failed", error: { code: event.code, message: event.message } })
        return
      default:
        return
    }
  }

  #ask(event: WaitOpened): void {
    if (event.kind === "approval") {
      this.#setApproval(event)
      const call = { toolName: event.toolName, server: event.origin?.server, input: event.payload.input }
      this.#askApproval(this.state.place.sessionId, event.toolCallId, call)
    }
    if (event.kind === "clientTool") {
      const { sessionId } = this.state.place
      const index = this.takeIndex()
      const text = JSON.stringify(event.payload.input)
      const item = {
        id: this.itemId("fc", index),
        type: "function_call",
        call_id: formatCallId({ sessionId, toolCallId: event.toolCallId }),
        name: event.toolName,
      } as const
      const at = { item_id: item.id, output_index: index }
      this.emit("response.output_item.added", {
        output_index: index,
        item: { ...item, status: "in_progress", arguments: "" },
      })
      this.emit("response.function_call_arguments.delta", { ...at, delta: text })
      this.emit("response.function_call_arguments.done", { ...at, name: item.name, arguments: text })
      this.finishItem(index, { ...item, status: "completed", arguments: text })
    }
  }

  #askApproval(
    sessionId: string,
    toolCallId: string,
    {
      toolName,
      server,
      input,
    }: { readonly toolName: string; readonly server: string | undefined; readonly input: object },
  ): void {
    const index = this.takeIndex()
    const item = {
      id: formatApprovalId({ sessionId, toolCallId }),
      type: "mcp_approval_request",
      name: toolName,
      arguments: JSON.stringify(input),
      server_label: server ?? this.#agent(),
    } as const
    this.emit("response.output_item.added", { output_index: index, item })
    this.finishItem(index, item)
  }

  #startCall(toolCallId: string): void {
    const call = this.state.calls.get(toolCallId)
    if (call === undefined || call.item !== null) return
    const { requested, approvalId } = call
    const index = this.takeIndex()
    const item: McpCallItem = {
      id: this.itemId("mcp", index),
      type: "mcp_call",
      status: "in_progress",
      name: requested.name,
      arguments: JSON.stringify(requested.input),
      server_label: requested.origin?.server ?? this.#agent(),
      approval_request_id: approvalId,
      output: null,
      error: null,
    }
    const at = { item_id: item.id, output_index: index }
    this.emit("response.output_item.added", { output_index: index, item: { ...item, arguments: "" } })
    this.emit("response.mcp_call.in_progress", at)
    this.emit("response.mcp_call_arguments.delta", { ...at, delta: item.arguments })
    this.emit("response.mcp_call_arguments.done", { ...at, arguments: item.arguments })
    this.#setCall(toolCallId, { ...call, item: { index, item } })
  }

  /** `result` is null if the client has the result, and if the call never started. */
  #endCall(toolCallId: string, result: ToolResult | null): void {
    if (result !== null) {
      this.#startCall(toolCallId)
      const open = this.state.calls.get(toolCallId)?.item
      if (open) {
        const { index, item } = open
        const outcome = describeResult(result)
        const status = outcome.error === null ? "completed" : "failed"
        this.emit(`response.mcp_call.${status}`, { item_id: item.id, output_index: index })
        this.finishItem(index, { ...item, ...outcome, status })
      }
    }
    this.#dropCall(toolCallId)
  }

  /** Ends the response, because the run can only wait. Shows the approvals of sub-agents, which are not in its log. */
  park(waits: readonly Wait[]): void {
    const { sessionId } = this.state.place
    for (const wait of waits) {
      if (wait.kind !== "approval" || wait.sessionId === sessionId) continue
      const call = { toolName: wait.toolName, server: wait.origin?.server, input: wait.payload.input }
      this.#askApproval(wait.sessionId, wait.toolCallId, call)
    }
    this.#end({ status: "completed" })
  }

  #end(end: ResponseEnd): void {
    for (const [toolCallId, { item }] of this.state.calls)
      if (item !== null) this.#endCall(toolCallId, interrupted)
    this.discardParts()
    const response = this.describe(end)
    // The protocol has no event for a canceled response.
    const type = end.status === "cancelled" ? "incomplete" : end.status
    this.emit(`response.${type}`, { response })
    this.change({ phase: "over", final: response })
  }

  /** Returns the response at its end, or as it is if it has not ended. */
  describe(end: ResponseEnd | null, status: ResponseStatus = "in_progress"): JsonObject {
    const { place, started, previousSegment, createdAt, lastAt, output, usage } = this.state
    if (started === null) throw new Error("A response is described before its run has started.")
    return createResponse({
      ...{
        place,
        started,
        createdAt,
        status,
        output: output.toSorted((a, b) => a.index - b.index).map(({ item }) => item),
      },
      completedAt: end === null ? null : lastAt,
      usage: end === null ? null : usage,
      ...(previousSegment !== undefined && { previousSegment }),
      ...end,
    })
  }

  #agent(): string {
    return this.state.started?.agent ?? ""
  }

  #setApproval({ toolCallId }: WaitOpened): void {
    const call = this.state.calls.get(toolCallId)
    const { sessionId } = this.state.place
    if (call !== undefined)
      this.#setCall(toolCallId, { ...call, approvalId: formatApprovalId({ sessionId, toolCallId }) })
  }

  #setCall(toolCallId: string, call: OpenCall): void {
    this.change({ calls: new Map(this.state.calls).set(toolCallId, call) })
  }

  #dropCall(toolCallId: string): void {
    const calls = new Map(this.state.calls)
    calls.delete(toolCallId)
    this.change({ calls })
  }
}

/** The end of a response, in the form of its object. */
interface ResponseEnd {
  readonly status: "completed" | "incomplete" | "failed" | "cancelled"
  readonly error?: { readonly code: string; readonly message: string }
  readonly incompleteReason?: string | null
}

function describeCompletion({ disposition, reason }: RunCompleted): ResponseEnd {
  if (disposition === "completed") return { status: "completed" }
  if (reason === "cancelled") return { status: "cancelled" }
  return { status: "incomplete", incompleteReason: reason === "max_tokens" ? "max_output_tokens" : reason }
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

const interrupted: ToolResult = {
  type: "error",
  code: "interrupted",
  message: "The call was interrupted. Its effect is unknown.",
}

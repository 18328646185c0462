import type { Event } from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"

/** The outcome of a call without a model that has ended. */
export type CallEnd =
  | { readonly status: "completed"; readonly result: Exclude<ToolResult, { readonly type: "error" }> }
  /**
   * `failed`: the tool or the run failed. `invalid`: the input does not match the tool's schema. `denied`: a person, an
   * interceptor or a policy did not allow the call, or the approval expired.
   */
  | { readonly status: "failed" | "invalid" | "denied"; readonly error: CallError }
  /** The run was canceled. */
  | { readonly status: "cancelled"; readonly isStarted: boolean }
  /** The call has no result. If it was started, it may have taken effect. */
  | { readonly status: "interrupted"; readonly isStarted: boolean }

export interface CallError {
  readonly code: string
  readonly subCode?: string
  readonly message: string
}

/** The state of a call without a model, from the events of its run. */
export interface FoldedCall {
  /** Name of the tool. Null before the run has started, and for a run that is no such call. */
  readonly tool: string | null
  readonly toolCallId: string | null
  readonly isStarted: boolean
  readonly isDenied: boolean
  readonly result: ToolResult | null
  readonly isInterrupted: boolean
  /** Null while the run is open. */
  readonly end: CallEnd | null
}

export const noCall: FoldedCall = {
  ...{ tool: null, toolCallId: null, isStarted: false, isDenied: false },
  ...{ result: null, isInterrupted: false, end: null },
}

/** Returns the state of the call after an event of its run. */
export function foldCall(call: FoldedCall, event: Event): FoldedCall {
  switch (event.type) {
    case "runStarted":
      return { ...call, tool: event.call?.tool ?? null }
    case "toolCallRequested":
      return { ...call, toolCallId: event.toolCallId }
    case "interceptorDecided":
      return event.action === "deny" ? { ...call, isDenied: true } : call
    case "toolCallStarted":
      return { ...call, isStarted: true }
    case "toolCallCompleted":
      return { ...call, result: event.result }
    case "toolCallInterrupted":
      return { ...call, isInterrupted: true, isStarted: event.outcome === "unknown" }
    case "runCompleted":
      return { ...call, end: describeEnd(call, event.disposition === "interrupted") }
    case "runFailed": {
      const { code, message } = event
      return { ...call, end: { status: "failed", error: { code, message } } }
    }
    default:
      return call
  }
}

function describeEnd({ result, isStarted, isDenied }: FoldedCall, isCancelled: boolean): CallEnd {
  if (result === null) return { status: isCancelled ? "cancelled" : "interrupted", isStarted }
  if (result.type !== "error") return { status: "completed", result }
  const { type: _, ...error } = result
  // After its start, the codes are those of the tool.
  if (isStarted) return { status: "failed", error }
  if (error.code === "invalid_input") return { status: "invalid", error }
  const denies = isDenied || error.code === "denied" || error.code === "approval_expired"
  return { status: denies ? "denied" : "failed", error }
}

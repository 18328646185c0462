import type { JsonObject } from "../../core/json/json.ts"
import type {
  ToolCallInterrupted,
  ToolCallRequested,
  WaitOpened,
  WaitResolved,
} from "../../core/log/entries.ts"
import type { ToolResult } from "../../core/ports/tool.ts"
import type { ToolOrigin } from "../../core/tool-origin.ts"
import type { WaitKind } from "../../core/wait.ts"

/** One call of the open step. It changes only by `Conversation.apply`. */
export interface CallState {
  readonly requested: ToolCallRequested
  /** `waited`: the wait that the tool returned is over, so the tool is executed again. */
  state: "requested" | "waiting" | "approved" | "denied" | "started" | "waited" | "settled"
  /** The arguments it is executed with: the model's, or as a person edited them. */
  input: JsonObject
  /** The tool that the call is for: the one the model was shown, then the one a person was asked about. */
  origin: ToolOrigin | null
  /** The qualifier that a person was asked about last. */
  qualifier: string | null
  /** The last decision of a person, or of a grant. */
  approval: Extract<WaitResolved, { kind: "approval" }> | null
  /** The last wait that the call opened. In state `started` it was opened from inside the call. */
  wait: WaitOpened | null
  /** When that wait was opened; null before the first. */
  openedAt: number | null
  /** The end of that wait; null while it is open. */
  resolved: WaitResolved | null
  /** Number of waits of each kind that the call has opened. */
  readonly waits: Record<WaitKind, number>
  /** Data events that the call has emitted, and about the characters of their values as JSON. */
  emitted: { readonly events: number; readonly characters: number }
  result: ToolResult | null
}

/** Returns the wait that is open, if there is one. */
export function openWaitOf({ wait, resolved }: CallState): WaitOpened | null {
  return resolved === null ? wait : null
}

/** Returns true if a person has been asked about the call and has not answered yet. */
export function awaitsApproval({ state, wait }: CallState): boolean {
  return state === "waiting" && wait?.kind === "approval"
}

/** Returns true if a call without a result can have had its effect. */
function mayHaveBegun(call: CallState): boolean {
  switch (call.state) {
    case "started":
    case "waited":
      return true
    case "waiting":
      return !awaitsApproval(call)
    case "requested":
    case "approved":
    case "denied":
    case "settled":
      return false
    default:
      return call.state satisfies never
  }
}

export function outcomeOf(call: CallState): ToolCallInterrupted["outcome"] {
  return mayHaveBegun(call) ? "unknown" : "not_started"
}

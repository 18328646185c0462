import type { JsonObject } from "../../../core/json/json.ts"
import type {
  ToolCallInterrupted,
  ToolCallRequested,
  WaitOpened,
  WaitResolved,
} from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { ToolOrigin } from "../../../core/tools/tool-origin.ts"
import type { WaitKind } from "../../../core/wait.ts"

/** One call of the open step. It changes only by `Conversation.apply`. */
export interface CallState {
  readonly requested: ToolCallRequested
  /** `waited`: the wait that the tool returned has ended, so the tool is executed again. */
  state: "requested" | "waiting" | "approved" | "denied" | "started" | "waited" | "settled"
  /** The arguments for the execution: the model's, or those that a person edited. */
  input: JsonObject
  /** The tool of the call: first the one that the model saw, then the one that a person was asked about. */
  origin: ToolOrigin | null
  /** The last qualifier that a person was asked about. */
  qualifier: string | null
  /** The last decision of a person, or of a grant. */
  approval: Extract<WaitResolved, { kind: "approval" }> | null
  /** Time at which the call was first executed. Null before that. */
  startedAt: number | null
  /** The last wait that the call opened. In state `started`, the call opened it during its execution. */
  wait: WaitOpened | null
  /** Time at which that wait was opened. Null before the first wait. */
  openedAt: number | null
  /** The end of that wait. Null while it is open. */
  resolved: WaitResolved | null
  /** Number of waits of each kind that the call has opened. */
  readonly waits: Record<WaitKind, number>
  /** Number of data events that the call has emitted, and the approximate characters of their values as JSON. */
  emitted: { readonly events: number; readonly characters: number }
  /** Warnings of interceptors, which the model receives with the result. */
  warnings: readonly string[]
  result: ToolResult | null
}

/** Returns the state of a call that the model has just requested. */
export function requestCall(requested: ToolCallRequested): CallState {
  return {
    requested,
    state: "requested",
    input: requested.input,
    origin: requested.origin ?? null,
    qualifier: null,
    approval: null,
    startedAt: null,
    wait: null,
    openedAt: null,
    resolved: null,
    waits: { approval: 0, clientTool: 0, elicitation: 0, child: 0, timer: 0 },
    emitted: { events: 0, characters: 0 },
    warnings: [],
    result: null,
  }
}

/** Returns the milliseconds since the call was first executed, including its waits; 0 if it was never executed. */
export function measureCall({ startedAt }: CallState, now: number): number {
  // Another process, with another clock, may have started the call.
  return startedAt === null ? 0 : Math.max(0, now - startedAt)
}

/** Returns the open wait, if there is one. */
export function findOpenWait({ wait, resolved }: CallState): WaitOpened | null {
  return resolved === null ? wait : null
}

/** Returns true if a person has been asked about the call and has not answered yet. */
export function awaitsApproval({ state, wait }: CallState): boolean {
  return state === "waiting" && wait?.kind === "approval"
}

/** Returns true if the client has been asked to execute the call and has not sent its result yet. */
export function waitsForClient({ state, wait }: CallState): boolean {
  return state === "waiting" && wait?.kind === "clientTool"
}

/** Returns true if a call without a result may have taken effect. */
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

export function readOutcome(call: CallState): ToolCallInterrupted["outcome"] {
  return mayHaveBegun(call) ? "unknown" : "not_started"
}

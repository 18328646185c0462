import type {
  ApprovalResolved,
  ElicitationRequested,
  ElicitationResolved,
  ToolCallInterrupted,
  ToolCallRequested,
} from "../core/entries.ts"
import type { JsonObject } from "../core/json.ts"
import type { ToolResult } from "../core/ports/tool.ts"
import type { ToolOrigin } from "../core/tool-origin.ts"

/** One call of the open step. It changes only by `Conversation.apply`. */
export interface CallState {
  readonly requested: ToolCallRequested
  state:
    | "requested"
    | "awaitingApproval"
    | "approved"
    | "denied"
    | "awaitingClient"
    | "started"
    | "awaitingInput"
    | "inputGiven"
    | "settled"
  /** The arguments it is executed with: the model's, or as a person edited them. */
  input: JsonObject
  /** The tool that the call is for: the one the model was shown, then the one a person was asked about. */
  origin: ToolOrigin | null
  /** The qualifier that a person was asked about last. */
  qualifier: string | null
  /** Number of approvals asked for so far. */
  approvals: number
  approval: ApprovalResolved | null
  /** When it was handed to the client. */
  openedAt: number | null
  /** When what it waits for is over; null while it waits for nothing. */
  expiresAt: number | null
  /** The last question to the user. */
  asked: ElicitationRequested | null
  /** The answer to that question; null while it is open. */
  answer: ElicitationResolved | null
  /** Asked so far. */
  questions: number
  result: ToolResult | null
}

/** Returns true if the last question is not answered. In state `started` it was asked from inside the call. */
export function hasOpenQuestion({ asked, answer }: CallState): boolean {
  return asked !== null && answer === null
}

/** States in which a call may have had its effect. */
const maybeBegun: ReadonlySet<CallState["state"]> = new Set([
  "started",
  "awaitingClient",
  "awaitingInput",
  "inputGiven",
])

/** Says if a call without a result may have had its effect. */
export function outcomeOf(state: CallState["state"]): ToolCallInterrupted["outcome"] {
  return maybeBegun.has(state) ? "unknown" : "not_started"
}

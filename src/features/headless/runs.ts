import type { JsonObject } from "../../core/json/json.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { RunLimits } from "../../core/runs/child.ts"
import type { Cost, Usage } from "../../core/usage.ts"
import type { ChatEvent } from "../../core/wire/chat-event.ts"

/** Starts runs and follows them to their end. A gateway is one. */
export interface Runs {
  run(message: string, request: RunRequest): Promise<FinishedRun>
}

export interface RunRequest {
  readonly sessionId?: string
  /** The caller's own id of the session, which is created if it does not exist. */
  readonly externalId?: string
  readonly userId?: string
  readonly tenant?: string
  readonly agent?: string
  readonly context?: JsonObject
  /** Id of the job. A repeated request with this id follows the existing run. */
  readonly jobId?: string
  /** Further texts of the message. */
  readonly notes?: readonly string[]
  readonly limits?: RunLimits
  readonly park?: boolean
  /** Seconds to wait for the background tasks of the run, which are then canceled. Default: none are awaited. */
  readonly backgroundWaitSeconds?: number
  /** Cancels the run. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: ChatEvent) => void
  readonly onText?: (text: string) => void
  readonly onRetry?: (error: { readonly code: string; readonly message: string }) => void
  /** If it returns null, the approval stays open for an answer from elsewhere. */
  readonly onApproval?: (wait: Wait) => HumanDecision | null | Promise<HumanDecision | null>
  /** If it returns null, the question stays open. */
  readonly onElicitation?: (wait: Wait) => HumanAnswer | null | Promise<HumanAnswer | null>
}

/** A person's decision over a tool call. */
export interface HumanDecision {
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /** Reason that the model receives on denial. */
  readonly reason?: string
}

/** A person's answer to a tool's question. */
export type HumanAnswer =
  | { readonly action: "accept"; readonly content?: JsonObject }
  | { readonly action: "decline" | "cancel" }

/** A run that has ended, or one that is parked. */
export interface FinishedRun {
  readonly runId: string
  readonly sessionId: string
  /** If true, the run existed before the call, because the message joined it, or because `jobId` names it. */
  readonly existed: boolean
  /**
   * Times of the run's start and end in milliseconds since the Unix epoch. For a parked run, `endedAt` is the current
   * time.
   */
  readonly startedAt: number
  readonly endedAt: number
  /** The text of the last assistant message. */
  readonly response: string
  /** Texts of all assistant messages of the run, with a blank line between them. */
  readonly transcript: string
  readonly toolsUsed: readonly string[]
  /** The last model that responded, as its provider reports it. Null if none did. */
  readonly model: string | null
  /** Tokens of all model calls, including failed ones. */
  readonly usage: Usage
  /** US dollars. Null if the price of a model is not known. */
  readonly cost: Cost
  /** `parked`: with the option `park`, the run is open and waits only for people. */
  readonly outcome: "completed" | "interrupted" | "failed" | "parked"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens` or `budget`. Otherwise null. */
  readonly reason: string | null
  readonly error: RunFailure | null
  /** Text that the application returned because the run reached its maximum number of turns. Default: none. */
  readonly summary?: string | null
  /** Names of the sub-agents whose background tasks were canceled after the end of the run. Default: none. */
  readonly cancelledTasks?: readonly string[]
}

export interface RunFailure {
  readonly code: string
  readonly message: string
  /** The provider's own message if a model call failed, without keys and tokens. It is for operators. */
  readonly providerMessage?: string
}

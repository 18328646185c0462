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
  /** If true, the run existed before the request. */
  readonly existed: boolean
  readonly startedAt: number
  readonly endedAt: number
  readonly response: string
  /** Texts of all assistant messages, with a blank line between them. */
  readonly transcript: string
  readonly toolsUsed: readonly string[]
  readonly model: string | null
  readonly usage: Usage
  readonly cost: Cost
  readonly outcome: "completed" | "interrupted" | "failed" | "parked"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens` or `budget`. Null otherwise. */
  readonly reason: string | null
  readonly error: {
    readonly code: string
    readonly message: string
    /** The provider's own message if a model call failed. */
    readonly providerMessage?: string
  } | null
  /** Text that the application returned because the run reached its maximum number of turns. Default: none. */
  readonly summary?: string | null
  /** Names of the sub-agents whose background tasks were canceled after the end of the run. Default: none. */
  readonly cancelledTasks?: readonly string[]
}

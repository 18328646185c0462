import type { Json, JsonObject } from "./json/json.ts"
import type { Message } from "./messages.ts"
import type { ToolResult } from "./ports/tool.ts"
import type { Usage } from "./usage.ts"

/**
 * Yields what happens; returning ends the run as completed, throwing ends it as failed. Returning while a call it
 * reported waits for approval parks the run: once every such call is decided, the runner is called again.
 */
export type Runner = (request: RunnerRequest) => AsyncIterable<RunnerEvent>

export interface RunnerRequest {
  readonly sessionId: string
  readonly userId: string
  readonly runId: string
  readonly reason: "new" | "resume"
  /**
   * The conversation so far; the last of the user's is the one to answer. When resumed, what was done since
   * follows it.
   */
  readonly messages: readonly Message[]
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** W3C Trace Context of the request that caused the run; null if it had none, or an invalid one. */
  readonly traceparent: string | null
  /** The state that the runner saved last in this run; null before that. */
  readonly state: Json
  /** The decisions on the calls that the runner waited for, in the order in which it reported them. */
  readonly decisions: readonly RunnerDecision[]
  /** Aborted on cancel and when the process stops. */
  readonly signal: AbortSignal
}

export interface RunnerDecision {
  /** The runner's own id of the call. */
  readonly id: string
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput: JsonObject | null
  /** Reason of the denial; null if none was given. */
  readonly reason: string | null
}

export type RunnerEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | RunnerToolCall
  | { readonly type: "toolResult"; readonly id: string; readonly result: ToolResult }
  /** `priceList` as a provider's: whose prices were paid. */
  | { readonly type: "usage"; readonly usage: Usage; readonly model?: string; readonly priceList?: string }
  /** Given back as `state` whenever the runner is called again for this run. */
  | { readonly type: "state"; readonly state: Json }

export interface RunnerToolCall {
  readonly type: "toolCall"
  /** The runner's own; it joins the result and the decision to the call. */
  readonly id: string
  readonly name: string
  readonly input: JsonObject
  /**
   * Present when a person must allow it first: asked once the runner returns, and executed only after it was
   * called again. With the id of a call that was reported without it and has no result, it asks about that
   * one.
   */
  readonly approval?: {
    readonly reason?: string
    /** Divides the calls of this tool into types, each granted on its own. */
    readonly qualifier?: string
    /** JSON Schema of the input, for edited arguments to be checked against. Default: any object. */
    readonly inputSchema?: JsonObject
  }
}

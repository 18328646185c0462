import type { JsonObject } from "../json/json.ts"
import type { Message, ModelPart } from "../messages.ts"
import type { Usage } from "../usage.ts"
import type { ToolRules } from "./tool-rules.ts"

/** A model service. Adapters hold no state of a conversation: the request has all of it. */
export interface Provider {
  readonly name: string
  readonly defaultModel: string
  /**
   * Price list that applies to the provider's calls: a provider's id in price lists, or `free`. If absent, the prices
   * are unknown.
   */
  readonly priceList?: string
  /**
   * Milliseconds that the provider's own options allow until the first token. Absent: the agent's limit alone
   * applies.
   */
  readonly firstTokenTimeoutMs?: number
  /** Forms of tools that the service refuses. The gateway adapts the agent's tools to these rules before each call. */
  readonly toolRules?: ToolRules
  /** If true, the model runs on the operator's own machine, where each retry evaluates the whole prompt again. */
  readonly selfHosted?: boolean
  /**
   * Loads whatever the first call would have to load, and calls nobody: it is awaited before the gateway starts.
   * Rejects with a `ConfigurationError` for what is not installed.
   */
  prepare?(): Promise<void>
  /**
   * One model call. Yields any number of deltas and signs of progress and then exactly one `end` or `error`, last.
   * Never throws for a failure of the model or of the network, and never retries; on abort it may end without a last
   * event.
   */
  stream(request: ModelRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ModelEvent>
}

/** A model of a provider. */
export interface ModelChoice {
  readonly provider: Provider
  readonly model: string
}

export interface ModelRequest {
  readonly model: string
  readonly system: readonly SystemBlock[]
  /** Alternates as the log has it: user, assistant, tool … A provider may merge neighbours. */
  readonly messages: readonly Message[]
  readonly tools: readonly ToolSpecification[]
  /** Cap on output tokens. */
  readonly maxTokens: number
  /**
   * The text of the answer must be JSON of this schema. The prompt says so too; a service that can enforce it should.
   */
  readonly outputSchema?: JsonObject
  /** If true, a provider that can do so yields the arguments of calls as the model writes them. Default false. */
  readonly toolInputDeltas?: boolean
  /** W3C Trace Context, to be sent as the header of that name. Absent: none. */
  readonly traceparent?: string
}

export interface SystemBlock {
  readonly text: string
  /** The prompt up to here is worth caching. */
  readonly cache?: boolean
}

export interface ToolSpecification {
  readonly name: string
  readonly description: string
  readonly inputSchema: JsonObject
}

export type ModelEvent = ModelDelta | ModelInputDelta | ModelProgress | ModelEnd | ModelFailure

export interface ModelDelta {
  readonly type: "textDelta" | "thinkingDelta"
  /** Index in the `content` of the `end` that will follow. */
  readonly part: number
  readonly text: string
}

/**
 * A piece of a call's arguments as JSON. It is yielded only if the request asks for it, and does not replace
 * `hiddenBytes`.
 */
export interface ModelInputDelta {
  readonly type: "toolInputDelta"
  /** Index of the call in the `content` of the `end` that will follow. */
  readonly part: number
  readonly name: string
  readonly text: string
}

/**
 * A sign of life that has no text to show: a ping, a piece of a call's arguments. Only `advanced` and more
 * `hiddenBytes` extend the time limits of the call. A service that only sends pings counts as stalled.
 */
export interface ModelProgress {
  readonly type: "progress"
  /** The service's count so far, if it reports one: for all of the call, not only for the new part. */
  readonly usage?: Usage
  /** Bytes of the answer so far that no delta shows: those of calls' arguments. All of them, not what is new. */
  readonly hiddenBytes?: number
  /**
   * If true, the response grew by something that neither a delta nor `hiddenBytes` shows, such as encrypted thinking.
   */
  readonly advanced?: boolean
}

export interface ModelEnd {
  readonly type: "end"
  readonly content: readonly ModelPart[]
  readonly stopReason: StopReason
  /** The model that answered, by the service's own word. */
  readonly model: string
  /** Null when the service does not say. */
  readonly usage: Usage | null
}

export interface ModelFailure {
  readonly type: "error"
  /** Stable: `rate_limited`, `overloaded`, `authentication_failed`, `invalid_request`, `upstream_unreachable` … */
  readonly code: string
  /** Safe to show to any client: no address, no key, no body of the service. */
  readonly message: string
  /** For the log only. */
  readonly detail?: string
  readonly retryable: boolean
  /** Milliseconds the service asks to wait. */
  readonly retryAfterMs?: number
  /** The kind of part because of which the service refused the request: the loop tries once without. */
  readonly refusedPart?: "image"
}

/**
 * `end` a finished answer, `toolCalls` it wants results, `maxTokens` the cap cut it, `pause` call again
 * with what there is, `refusal` the model will not answer, `contentFilter` the service withholds the answer,
 * `contextFull` the conversation is too long.
 */
export type StopReason =
  | "end"
  | "toolCalls"
  | "maxTokens"
  | "pause"
  | "refusal"
  | "contentFilter"
  | "contextFull"
  | "cancelled"

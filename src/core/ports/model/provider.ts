import type { Message, ModelPart } from "../../history/messages.ts"
import type { JsonObject } from "../../json/json.ts"
import type { ThinkingLevel } from "../../thinking-level.ts"
import type { Usage } from "../../usage.ts"
import type { ToolRules } from "../tools/tool-rules.ts"
import type { CallRecord } from "./call-record.ts"

/** A model provider. Adapters keep no state of a conversation, because each request contains all of it. */
export interface Provider {
  readonly name: string
  readonly defaultModel: string
  /**
   * Price list for the provider's calls: a provider's id in price lists, or `free`. If absent, the prices are
   * unknown.
   */
  readonly priceList?: string
  /**
   * Time limit for the first token, in milliseconds, from the provider's own options. If absent, only the agent's
   * limit applies.
   */
  readonly firstTokenTimeoutMs?: number
  /** Rules for the tools that the provider accepts. The gateway adapts the agent's tools to them before each call. */
  readonly toolRules?: ToolRules
  /**
   * Returns the thinking levels that may be requested of a model. The provider may still refuse one. If absent, the
   * provider ignores `thinkingLevel`, so no level may be requested.
   */
  thinkingLevels?(model: string): readonly ThinkingLevel[]
  /** If true, the model runs on the operator's own machine, where each retry evaluates the whole prompt again. */
  readonly selfHosted?: boolean
  /**
   * Loads everything that the first call needs, without any network call. The gateway awaits it before it starts.
   * Rejects with a `ConfigurationError` if a package is not installed.
   */
  prepare?(): Promise<void>
  /**
   * Makes one model call. Yields any number of deltas and signs of progress, then exactly one `end` or `error`. Never
   * throws for a failure of the model or of the network, and never retries. After an abort it may end without a last
   * event.
   */
  stream(request: ModelRequest, options: ModelCallOptions): AsyncIterable<ModelEvent>
}

export interface ModelCallOptions {
  readonly signal: AbortSignal
  /** If set, the provider fills it in. A provider that cannot do so ignores it. */
  readonly record?: CallRecord | undefined
}

/** A model of a provider. */
export interface ModelChoice {
  readonly provider: Provider
  readonly model: string
}

export interface ModelRequest {
  readonly model: string
  readonly system: readonly SystemBlock[]
  /** Alternates between roles as the log does: user, assistant, tool … A provider may merge adjacent messages. */
  readonly messages: readonly Message[]
  /**
   * Number of messages, from the first one, that the next call of the run will repeat. A provider with explicit prompt
   * caching should cache them. Default 0.
   */
  readonly cachedMessages?: number
  readonly tools: readonly ToolSpecification[]
  /** Maximum output tokens. */
  readonly maxTokens: number
  /** Level of the model's thinking. If absent, the provider's own options or the model decide. */
  readonly thinkingLevel?: ThinkingLevel
  /**
   * JSON Schema that the response must match. The prompt contains it too. A provider that can enforce it should do so.
   */
  readonly outputSchema?: JsonObject
  /** If true, a provider that can do so yields the arguments of calls as the model writes them. Default false. */
  readonly toolInputDeltas?: boolean
  /** W3C Trace Context, to be sent as the header of that name. If absent, no header is sent. */
  readonly traceparent?: string
}

export interface SystemBlock {
  readonly text: string
  /** If true, the prompt up to here should be cached. */
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
 * A piece of a call's arguments as JSON. It is yielded only if the request asks for it. Its bytes also count in
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
 * Progress without text to show: a ping, or a piece of a call's arguments. Only `advanced` and more `hiddenBytes`
 * extend the time limits of the call. A provider that only sends pings counts as stalled.
 */
export interface ModelProgress {
  readonly type: "progress"
  /** The usage of the whole call so far, if the provider reports it. */
  readonly usage?: Usage
  /** Bytes of the response so far that no delta contains, such as arguments of calls. */
  readonly hiddenBytes?: number
  /**
   * If true, the response grew by something that neither a delta nor `hiddenBytes` counts, such as encrypted
   * thinking.
   */
  readonly advanced?: boolean
}

export interface ModelEnd {
  readonly type: "end"
  readonly content: readonly ModelPart[]
  readonly stopReason: StopReason
  /** Name of the model that responded, as the provider reports it. */
  readonly model: string
  /** Null if the provider does not report it. */
  readonly usage: Usage | null
}

export interface ModelFailure {
  readonly type: "error"
  /** Stable: `rate_limited`, `overloaded`, `authentication_failed`, `invalid_request`, `upstream_unreachable` … */
  readonly code: string
  /** Error message. It is safe to show to any client, because it contains no address, key or text of the provider. */
  readonly message: string
  /** For the log only. */
  readonly detail?: string
  /**
   * The provider's own message, or the error of the connection to it, without secrets. Operators see it, and clients
   * only with `showProviderErrors: "clients"`.
   */
  readonly providerMessage?: string
  readonly retryable: boolean
  /** Milliseconds that the provider asks the gateway to wait before the next attempt. */
  readonly retryAfterMs?: number
  /** Kind of the part because of which the provider refused the request. The loop retries once without such parts. */
  readonly refusedPart?: "image"
}

/**
 * `end`: a finished response. `toolCalls`: it needs results. `maxTokens`: truncated at the cap. `pause`: call again
 * with the response so far. `refusal`: the model declines. `contentFilter`: the provider withholds the response.
 * `contextFull`: the conversation is too long.
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

import type { Json, JsonObject } from "./json/json.ts"
import type { EventEntry } from "./log/entries.ts"
import type { Message } from "./messages.ts"
import type { ToolType } from "./ports/approvals.ts"
import type { HistoryCompaction } from "./ports/compaction.ts"
import type { Gate } from "./ports/gate.ts"
import type { OutputFilter } from "./ports/output-filter.ts"
import type { Pricing } from "./ports/pricing.ts"
import type { Provider, SystemBlock, ToolSpecification } from "./ports/provider.ts"
import type { SchemaCheck } from "./ports/schema-check.ts"
import type { Tool, ToolResult } from "./ports/tool.ts"
import type { TransformToolResult } from "./ports/transform-tool-result.ts"
import type { ItemsAtEnd } from "./run-end.ts"
import type { Cost, Usage } from "./usage.ts"

/**
 * The parts that one run is executed with. Built anew for every run and every resumption; nothing of it is stored.
 */
export type AgentRuntime = ModelRuntime | RunnerRuntime

/** The gateway's own loop over a model and tools. */
export interface ModelRuntime extends RuntimeBase {
  readonly type: "model"
  readonly systemPrompt: readonly SystemBlock[]
  /** The first is called; each further one takes over for the rest of the run when the one before it fails for good. */
  readonly models: readonly [ModelChoice, ...ModelChoice[]]
  readonly pricing: Pricing
  /** US dollars that one run may cost; null for no bound. */
  readonly maxBudgetUsd: number | null
  /** Milliseconds that a model may take to start its response. If null, the provider's limit or the default applies. */
  readonly firstTokenTimeoutMs: number | null
  /** Milliseconds without progress after which a started response is given up, and the call is retried. */
  readonly stallTimeoutMs: number
  /** Returns the messages with images that every provider accepts, and text in place of the others. Never rejects. */
  readonly prepareImages: (messages: readonly Message[]) => Promise<readonly Message[]>
  /** For structured output. */
  readonly checkSchema: SchemaCheck
  readonly tools: readonly Tool[]
  /** Returns the tools in the form that the provider's service accepts, without those that it would refuse. */
  readonly toolsFor: (provider: Provider) => readonly ToolSpecification[]
  /** Cap on the output tokens of one model call. */
  readonly maxTokens: number
  /** Most steps of one run; null for no bound. */
  readonly maxTurns: number | null
  /** For tools without a time limit of their own. */
  readonly toolTimeoutMs: number
  /** Bytes of one tool result, past which it is cut. */
  readonly maxToolResultBytes: number
  /** Change the results of executed calls, one after the other. */
  readonly transformToolResults: readonly TransformToolResult[]
  /** Makes a filter for one stream of a call's live output; null to show the output as it is. */
  readonly outputFilter: (() => OutputFilter) | null
  /** Returns the tokens of a model's context window; null if they are not known. */
  readonly contextWindowOf: (choice: ModelChoice) => number | null
  /** Makes room in the model's window; null if a conversation that is too long ends its run. */
  readonly compaction: HistoryCompaction | null
  /** Resolves to texts that stand beside a summary, such as those of loaded skills. Never rejects. */
  readonly compactionNotes: (signal: AbortSignal) => Promise<readonly string[]>
  /** Retries of one model call that failed in a way that may pass. */
  readonly maxRetries: number
  readonly gate: Gate
  /** Milliseconds that a validator of the application may take for one call. */
  readonly callbackTimeoutMs: number
  /** Milliseconds that an approval or a client tool's result is waited for. */
  readonly approvalTimeoutMs: number
}

export interface ModelChoice {
  readonly provider: Provider
  readonly model: string
}

/** Somebody else's loop behind the same sessions. */
export interface RunnerRuntime extends RuntimeBase {
  readonly type: "runner"
  readonly runner: Runner
  /** If true, the runner can resume after a crash; otherwise such a run ends in `error`. */
  readonly resumes: boolean
  readonly pricing: Pricing
  /** Milliseconds that an approval is waited for. */
  readonly approvalTimeoutMs: number
  /** Resolves to true if a person has allowed calls of this tool type for the rest of the session. */
  readonly isGranted: (sessionId: string, type: ToolType) => Promise<boolean>
}

interface RuntimeBase {
  /** Changes when the agent's definition does; logged with each run. */
  readonly revision: string
  readonly hooks: RunHooks
  /** Called for the commit that ends a run of a root session. Default: nothing is delivered. */
  readonly itemsAtEnd?: ItemsAtEnd
  /** Is told of each call of a tool or a runner that was told to stop with its attempt, and may not have ended yet. */
  readonly follow: (call: Promise<unknown>) => void
}

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

/**
 * Hooks of one request. They are called after the fact is durable, in order. The run does not wait for a hook. A
 * crash in between loses the call, and the log keeps the fact. A hook that throws is logged, and the run continues.
 */
export interface RunHooks {
  readonly onUsage?: (report: UsageReport) => void | Promise<void>
  readonly onToolResult?: (report: ToolReport) => void | Promise<void>
  readonly onToolTiming?: (report: ToolTiming) => void | Promise<void>
  readonly onMaxTurns?: (report: MaxTurnsReport) => void | Promise<void>
  readonly onEvent?: (
    entry: EventEntry,
    origin: { readonly sessionId: string; readonly id: string },
  ) => void | Promise<void>
}

export interface UsageReport {
  /** Id of the model call: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly model: string
  readonly usage: Usage
  /** US dollars; null when the model's price is not known. */
  readonly cost: Cost
  /** If true, the usage is the gateway's estimate: the service gave none, or the call was cut. */
  readonly estimated: boolean
  /** If true, the call gave no response; it may have cost something all the same. */
  readonly failed: boolean
}

export interface ToolReport {
  /** Id of the result: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly input: Json
  readonly result: ToolResult
}

export interface ToolTiming {
  /** Id of the call's end: the same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly durationMs: number
  readonly ok: boolean
}

export interface MaxTurnsReport {
  /** The same each time it is reported. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly turnCount: number
  readonly maxTurns: number
}

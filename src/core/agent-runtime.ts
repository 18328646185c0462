import type { EventEntry } from "./entries.ts"
import type { Json, JsonObject } from "./json.ts"
import type { Message } from "./messages.ts"
import type { Gate } from "./ports/gate.ts"
import type { Provider, SystemBlock } from "./ports/provider.ts"
import type { Tool, ToolResult } from "./ports/tool.ts"
import type { Usage } from "./usage.ts"

/** What one run is executed with. Built anew for every run and every resumption; nothing of it is stored. */
export type AgentRuntime = ModelRuntime | RunnerRuntime

/** The gateway's own loop over a model and tools. */
export interface ModelRuntime extends RuntimeBase {
  readonly type: "model"
  readonly systemPrompt: readonly SystemBlock[]
  readonly provider: Provider
  readonly model: string
  readonly tools: readonly Tool[]
  /** Cap on the output tokens of one model call. */
  readonly maxTokens: number
  /** Most steps of one run; null for no bound. */
  readonly maxTurns: number | null
  /** For tools without a time limit of their own. */
  readonly toolTimeoutMs: number
  /** Bytes of one tool result, past which it is cut. */
  readonly maxToolResultBytes: number
  /** Retries of one model call that failed in a way that may pass. */
  readonly maxRetries: number
  readonly gate: Gate
  /** Milliseconds that an approval or a client tool's result is waited for. */
  readonly approvalTimeoutMs: number
}

/** Somebody else's loop behind the same sessions. */
export interface RunnerRuntime extends RuntimeBase {
  readonly type: "runner"
  readonly runner: Runner
  /** Whether the runner can go on after a crash; if not, such a run ends in `error`. */
  readonly resumes: boolean
}

interface RuntimeBase {
  /** Changes when the agent's definition does; logged with each run. */
  readonly revision: string
  readonly hooks: RunHooks
}

/** Yields what happens; returning ends the run as completed, throwing ends it as failed. */
export type Runner = (request: RunnerRequest) => AsyncIterable<RunnerEvent>

export interface RunnerRequest {
  readonly sessionId: string
  readonly userId: string
  readonly runId: string
  readonly reason: "new" | "resume"
  /** The conversation so far; the last message is the one to answer. */
  readonly messages: readonly Message[]
  readonly context: JsonObject
  readonly channel: string | null
  readonly model: string | null
  /** Aborted on cancel and when the process stops. */
  readonly signal: AbortSignal
}

export type RunnerEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  /** `id` is the runner's own; it only joins the result to its call. */
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly input: JsonObject }
  | { readonly type: "toolResult"; readonly id: string; readonly result: ToolResult }
  | { readonly type: "usage"; readonly usage: Usage; readonly model?: string }

/**
 * Called after the fact is durable, in order, and not waited for until the gateway closes. A crash in between loses the
 * call; the log has the fact. A hook that throws is logged and ends nothing.
 */
export interface RunHooks {
  readonly onUsage?: (report: UsageReport) => void | Promise<void>
  readonly onToolResult?: (report: ToolReport) => void | Promise<void>
  readonly onToolTiming?: (report: ToolTiming) => void | Promise<void>
  readonly onEvent?: (entry: EventEntry, origin: { readonly sessionId: string }) => void | Promise<void>
}

export interface UsageReport {
  /** The step's id: stable over repeated reports of the same call. */
  readonly id: string
  readonly sessionId: string
  readonly runId: string
  readonly model: string
  readonly usage: Usage
}

export interface ToolReport {
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly input: Json
  readonly result: ToolResult
}

export interface ToolTiming {
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly durationMs: number
  readonly ok: boolean
}
